// The SIP approximation of the gwcs in real reference files, against what stcal makes of them.
#include "tessera/sky/sip_fit.hpp"

#include <fmt/format.h>

#include <cmath>

#include "support/test_files.hpp"
#include "tessera/io/asdf_wcs.hpp"

namespace tessera::sky {
namespace {

/// Coefficient of a polynomial of `order` stored as [i * (order + 1) + j]; 0 beyond its order.
double coefficient(std::vector<double> const& c, int order, int i, int j) {
  return i + j <= order ? c.at(static_cast<std::size_t>(i * (order + 1) + j)) : 0.0;
}

/// Largest difference over the box, in pixels, of a SIP polynomial and the one in the vector.
double largest_difference(std::vector<double> const& c, int order, nlohmann::json const& header,
                          std::string const& name, BoundingBox const& box, PixelPoint crpix) {
  double largest = 0;
  for (int a = 0; a <= 16; ++a)
    for (int b = 0; b <= 16; ++b) {
      double const u = box.x_low + a / 16.0 * (box.x_high - box.x_low) - crpix.x;
      double const v = box.y_low + b / 16.0 * (box.y_high - box.y_low) - crpix.y;
      double sum = 0;
      for (int i = 0; i <= order; ++i)
        for (int j = 0; i + j <= order; ++j)
          sum += (coefficient(c, order, i, j) - header.value(fmt::format("{}_{}_{}", name, i, j), 0.0)) *
                 std::pow(u, i) * std::pow(v, j);
      largest = std::max(largest, std::abs(sum));
    }
  return largest;
}

TEST(FitSip, AgreesWithTheReferenceOnRealInstruments) {
  SKIP_WITHOUT_SHARED("data/wcs/nrcb1-wcs.asdf");
  auto const vectors = test::read_vector("sip_fit.json");
  ASSERT_EQ(vectors.size(), 8U);
  for (auto const& [name, expected] : vectors.items()) {
    SCOPED_TRACE(name);
    auto const wcs =
        io::read_wcs(io::AsdfDocument::read(test::shared_dir() / expected["file"].get<std::string>()), "wcs");
    auto const& b = expected["bounding_box_xy"];
    BoundingBox const box{b[0][0], b[0][1], b[1][0], b[1][1]};
    SipFitOptions options;
    options.max_pix_error = expected["max_pix_error"];
    options.max_inv_pix_error = expected["max_inv_pix_error"].get<double>();
    options.npoints = expected["npoints"];
    if (auto const& crpix = expected["crpix_1based"]; !crpix.is_null())
      options.crpix = PixelPoint{crpix[0].get<double>() - 1, crpix[1].get<double>() - 1};
    auto const fit = fit_sip(*wcs, box, options);

    auto const& header = expected["header"];
    auto const number = [&](char const* keyword) { return header.at(keyword).get<double>(); };
    EXPECT_NEAR(fit.crpix.x + 1, number("CRPIX1"), 1e-12);
    EXPECT_NEAR(fit.crpix.y + 1, number("CRPIX2"), 1e-12);
    EXPECT_NEAR(fit.crval.ra, number("CRVAL1"), 1e-11);
    EXPECT_NEAR(fit.crval.dec, number("CRVAL2"), 1e-11);
    EXPECT_NEAR(fit.cd[0][0] / number("CD1_1"), 1, 1e-10);
    EXPECT_NEAR(fit.cd[0][1] / number("CD1_2"), 1, 1e-9);
    EXPECT_NEAR(fit.cd[1][0] / number("CD2_1"), 1, 1e-9);
    EXPECT_NEAR(fit.cd[1][1] / number("CD2_2"), 1, 1e-10);
    EXPECT_EQ(fit.a_order, header["A_ORDER"]);
    EXPECT_EQ(fit.ap_order, header["AP_ORDER"]);
    EXPECT_LT(largest_difference(fit.a, fit.a_order, header, "A", box, fit.crpix), 1e-8);
    EXPECT_LT(largest_difference(fit.b, fit.a_order, header, "B", box, fit.crpix), 1e-8);
    EXPECT_LT(largest_difference(fit.ap, fit.ap_order, header, "AP", box, fit.crpix), 1e-8);
    EXPECT_LT(largest_difference(fit.bp, fit.ap_order, header, "BP", box, fit.crpix), 1e-8);
    EXPECT_NEAR(fit.max_error_pix, number("SIPMXERR"), 1e-8);
    EXPECT_NEAR(fit.max_inverse_error_pix, number("SIPIVERR"), 1e-8);
    EXPECT_EQ(fit.tolerance_met && fit.inverse_tolerance_met, expected["info"]["warnings"].empty());
  }
}

}  // namespace
}  // namespace tessera::sky
