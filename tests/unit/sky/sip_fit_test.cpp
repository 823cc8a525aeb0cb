#include "tessera/sky/sip_fit.hpp"

#include <cmath>

#include "support/header_files.hpp"
#include "support/test_files.hpp"
#include "tessera/core/error.hpp"
#include "tessera/sky/fits_wcs.hpp"

namespace tessera::sky {
namespace {

/// A SIP header of our own, of degree 3.
model::Header distorted() {
  return test::header_of(
      {"CTYPE1  = 'RA---TAN-SIP'", "CTYPE2  = 'DEC--TAN-SIP'", "CRVAL1  = 110.5",    "CRVAL2  = -73.25",
       "CRPIX1  = 1024.5",         "CRPIX2  = 1020.0",         "CD1_1   = -6.0E-06", "CD1_2   = 1.6E-05",
       "CD2_1   = 1.7E-05",        "CD2_2   = 6.1E-06",        "A_ORDER = 3",        "B_ORDER = 3",
       "A_0_2   = 1.6E-06",        "A_1_1   = -1.2E-05",       "A_2_0   = -1.9E-06", "A_2_1   = 1.0E-10",
       "A_1_2   = 1.7E-09",        "A_3_0   = 1.5E-09",        "B_0_2   = -6.7E-06", "B_1_1   = 3.6E-06",
       "B_2_0   = 4.9E-06",        "B_0_3   = 1.5E-09",        "B_2_1   = 1.6E-09",  "RADESYS = 'ICRS'"});
}

constexpr BoundingBox Box{-0.5, 2047.5, -0.5, 2047.5};

TEST(FitSip, FindsTheCoefficientsOfASipHeaderAgain) {
  auto const header = distorted();
  auto const wcs = make_fits_wcs(header, 2048, 2048);
  auto const fit = fit_sip(*wcs, Box, {.max_pix_error = 1e-5, .crpix = PixelPoint{1023.5, 1019.0}});
  EXPECT_EQ(fit.a_order, 3);
  EXPECT_TRUE(fit.tolerance_met);
  EXPECT_LT(fit.max_error_pix, 1e-7);
  EXPECT_NEAR(fit.crval.ra, 110.5, 1e-11);
  EXPECT_NEAR(fit.crval.dec, -73.25, 1e-11);
  EXPECT_NEAR(fit.cd[0][0] / -6.0e-06, 1, 1e-9);
  EXPECT_NEAR(fit.cd[0][1] / 1.6e-05, 1, 1e-9);
  EXPECT_NEAR(fit.cd[1][0] / 1.7e-05, 1, 1e-9);
  EXPECT_NEAR(fit.cd[1][1] / 6.1e-06, 1, 1e-9);
  for (int i = 0; i <= 3; ++i)
    for (int j = 0; i + j <= 3; ++j) {
      if (i + j < 2) continue;
      auto const k = static_cast<std::size_t>(i * 4 + j);
      double const size = std::pow(1024.0, i + j);  // effect at the edge of the array, pixels
      EXPECT_NEAR(fit.a[k] * size, header.real(fmt::format("A_{}_{}", i, j)).value_or(0) * size, 1e-6) << i << j;
      EXPECT_NEAR(fit.b[k] * size, header.real(fmt::format("B_{}_{}", i, j)).value_or(0) * size, 1e-6) << i << j;
    }
}

TEST(FitSip, InverseReturnsToThePixelWithinItsError) {
  auto const wcs = make_fits_wcs(distorted(), 2048, 2048);
  auto const fit = fit_sip(*wcs, Box, {});
  ASSERT_TRUE(fit.inverse_tolerance_met);
  ASSERT_LE(fit.max_inverse_error_pix, 0.02);
  // through the header and WCSLIB: pixel to sky to pixel, U and V by hand from the written CD, then AP and BP
  for (double x = 0; x < 2048; x += 256)
    for (double y = 0; y < 2048; y += 256) {
      double const u = x - fit.crpix.x, v = y - fit.crpix.y;
      double U = u, V = v;
      auto const n = static_cast<std::size_t>(fit.a_order + 1);
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; i + j < n; ++j) {
          U += fit.a[i * n + j] * std::pow(u, i) * std::pow(v, j);
          V += fit.b[i * n + j] * std::pow(u, i) * std::pow(v, j);
        }
      double back_u = U, back_v = V;
      auto const m = static_cast<std::size_t>(fit.ap_order + 1);
      for (std::size_t i = 0; i < m; ++i)
        for (std::size_t j = 0; i + j < m; ++j) {
          back_u += fit.ap[i * m + j] * std::pow(U, i) * std::pow(V, j);
          back_v += fit.bp[i * m + j] * std::pow(U, i) * std::pow(V, j);
        }
      EXPECT_LT(std::hypot(back_u - u, back_v - v), 1.2 * fit.max_inverse_error_pix + 1e-6);
    }
}

TEST(FitSip, WritesAHeaderThatGivesTheSameSky) {
  auto const wcs = make_fits_wcs(distorted(), 2048, 2048);
  auto const fit = fit_sip(*wcs, Box, {});
  auto header = test::header_of(
      {"PC1_1   = 0.5", "CDELT1  = 3.0", "A_5_5   = 1.0", "AP_DMAX = 2.0", "PC1_1A  = 0.25", "BUNIT   = 'MJy/sr'"});
  fit.write_to(header);
  for (char const* gone : {"PC1_1", "CDELT1", "A_5_5", "AP_DMAX"}) EXPECT_FALSE(header.has(gone)) << gone;
  for (char const* kept : {"PC1_1A", "BUNIT", "AP_1_0", "SIPMXERR", "SIPIVERR"}) EXPECT_TRUE(header.has(kept)) << kept;
  EXPECT_EQ(header.text("CTYPE1"), "RA---TAN-SIP");
  EXPECT_EQ(header.real("CRPIX1"), 1024.5);  // centre of the box, 1-based
  auto const written = make_fits_wcs(header, 2048, 2048);
  double const pixel = 1.7e-5;
  for (double x = 0; x < 2048; x += 300)
    for (double y = 0; y < 2048; y += 300) {
      auto const a = wcs->pixel_to_sky(PixelPoint{x, y}), b = written->pixel_to_sky(PixelPoint{x, y});
      EXPECT_NEAR((a.ra - b.ra) * std::cos(a.dec * M_PI / 180), 0, 0.01 * pixel);
      EXPECT_NEAR(a.dec, b.dec, 0.01 * pixel);
    }
}

TEST(FitSip, NeedsNoPolynomialForAPlainTangentPlane) {
  auto header = distorted();
  for (char const* keyword : {"A_ORDER", "B_ORDER", "A_0_2", "A_1_1", "A_2_0", "A_2_1", "A_1_2", "A_3_0", "B_0_2",
                              "B_1_1", "B_2_0", "B_0_3", "B_2_1"})
    header.remove(keyword);
  header.set("CTYPE1", "RA---TAN");
  header.set("CTYPE2", "DEC--TAN");
  auto const fit = fit_sip(*make_fits_wcs(header, 2048, 2048), Box, {});
  EXPECT_EQ(fit.a_order, 1);
  model::Header written;
  fit.write_to(written);
  EXPECT_EQ(written.text("CTYPE2"), "DEC--TAN");
  EXPECT_FALSE(written.has("A_ORDER"));
  EXPECT_FALSE(written.has("AP_ORDER"));
}

TEST(FitSip, SaysWhenTheToleranceIsMissed) {
  auto const fit =
      fit_sip(*make_fits_wcs(distorted(), 2048, 2048), Box, {.max_pix_error = 0.01, .degree = 2, .inv_degree = 1});
  EXPECT_EQ(fit.a_order, 2);
  EXPECT_FALSE(fit.tolerance_met);
  EXPECT_FALSE(fit.inverse_tolerance_met);
  EXPECT_GT(fit.max_error_pix, 0.01);
}

TEST(FitSip, RefusesABoxAndOptionsThatCannotWork) {
  auto const wcs = make_fits_wcs(distorted(), 2048, 2048);
  EXPECT_THROW(fit_sip(*wcs, {0, 0.5, 0, 100}, {}), InputError);
  EXPECT_THROW(fit_sip(*wcs, Box, {.degree = 7}), InputError);
  EXPECT_THROW(fit_sip(*wcs, Box, {.npoints = 7}), InputError);
}

}  // namespace
}  // namespace tessera::sky
