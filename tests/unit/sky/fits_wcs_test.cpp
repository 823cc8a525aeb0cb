#include "tessera/sky/fits_wcs.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <thread>

#include "support/header_files.hpp"
#include "support/test_files.hpp"
#include "tessera/core/error.hpp"

namespace tessera::sky {
namespace {

using test::header_of;

std::vector<std::string> plain_tan() {
  return {"CTYPE1  = 'RA---TAN'", "CTYPE2  = 'DEC--TAN'", "CRVAL1  = 202.0",    "CRVAL2  = 47.2",
          "CRPIX1  = 200.0",      "CRPIX2  = 150.5",      "CD1_1   = -2.0E-04", "CD1_2   = 1.0E-05",
          "CD2_1   = 1.2E-05",    "CD2_2   = 2.1E-04",    "RADESYS = 'ICRS'"};
}

std::vector<std::string> with(std::vector<std::string> lines, std::string const& replacement) {
  for (auto& line : lines)
    if (line.substr(0, 8) == replacement.substr(0, 8)) {
      line = replacement;
      return lines;
    }
  lines.push_back(replacement);
  return lines;
}

std::string message_of(std::vector<std::string> const& lines) {
  try {
    make_fits_wcs(header_of(lines), 400, 300);
  } catch (InputError const& error) {
    EXPECT_FALSE(error.problem().remedy.empty());
    return error.what();
  }
  return "no InputError";
}

struct Position {
  double x, y, ra, dec;
};

void expect_positions(Wcs const& wcs, std::vector<Position> const& positions, double sky_tolerance,
                      double pixel_tolerance) {
  for (auto const& p : positions) {
    auto const sky = wcs.pixel_to_sky(PixelPoint{p.x, p.y});
    EXPECT_NEAR(sky.ra, p.ra, sky_tolerance) << p.x << " " << p.y;
    EXPECT_NEAR(sky.dec, p.dec, sky_tolerance) << p.x << " " << p.y;
    auto const pixel = wcs.sky_to_pixel(SkyPoint{p.ra, p.dec});
    EXPECT_NEAR(pixel.x, p.x, pixel_tolerance);
    EXPECT_NEAR(pixel.y, p.y, pixel_tolerance);
  }
}

TEST(MakeFitsWcs, AgreesWithTheReferencePointsOfSipAndTanHeaders) {
  SKIP_WITHOUT_SHARED("data/wcs/nrcb5_sip_wcs.hdr");
  auto const vectors = test::read_vector("sip_points.json");
  ASSERT_EQ(vectors.size(), 4U);
  for (auto const& [name, expected] : vectors.items()) {
    SCOPED_TRACE(name);
    auto const wcs = make_fits_wcs(test::read_header_text(test::shared_dir() / "data/wcs" / name), expected["naxis"][0],
                                   expected["naxis"][1]);
    EXPECT_EQ(wcs->description(), expected["sip"].get<bool>() ? "FITS TAN-SIP" : "FITS TAN");
    std::vector<Position> positions;
    for (auto const& p : expected["points"]) positions.push_back({p["x0"], p["y0"], p["ra"], p["dec"]});
    ASSERT_EQ(positions.size(), 20U);
    expect_positions(*wcs, positions, 1e-11, 1e-6);
  }
}

// Expected values: astropy 8.0.2 (its own WCSLIB 8), all_pix2world of the same header.
TEST(MakeFitsWcs, ReadsTheZpnOfRealVircamFrames) {
  SKIP_WITHOUT_SHARED("data/real/vircam/propane_image_1.fits");
  auto const wcs_of = [](char const* name) {
    return make_fits_wcs(test::read_fits_header(test::shared_dir() / "data/real/vircam" / name, 1), 1816, 1836);
  };
  auto const first = wcs_of("propane_image_1.fits");
  EXPECT_EQ(first->description(), "FITS ZPN");
  expect_positions(*first,
                   {{0, 0, 36.982233020718, -5.104351402447695},
                    {1815, 0, 36.811025290849315, -5.104984498164604},
                    {0, 1835, 36.98086799305079, -5.275786639931445},
                    {907.25, 918.5, 36.89619122291681, -5.190738966676099},
                    {-0.5, 1835.5, 36.980914531746826, -5.275832884035505}},
                   1e-11, 1e-6);
  expect_positions(*wcs_of("propane_image_7.fits"),
                   {{0, 0, 36.98305575915454, -5.104400889140238},
                    {1815, 0, 36.81183294357911, -5.105022679645912},
                    {907.25, 918.5, 36.89700377765408, -5.1907942277996275}},
                   1e-11, 1e-6);
}

// Expected values: astropy 8.0.2, all_pix2world of the same header.
TEST(MakeFitsWcs, ReadsTpv) {
  auto const wcs = make_fits_wcs(
      header_of({"CTYPE1  = 'RA---TPV'", "CTYPE2  = 'DEC--TPV'", "CRVAL1  = 150.25",   "CRVAL2  = 2.5",
                 "CRPIX1  = 1000.5",     "CRPIX2  = 1200.25",    "CD1_1   = -7.3E-05", "CD1_2   = 1.1E-06",
                 "CD2_1   = 1.3E-06",    "CD2_2   = 7.31E-05",   "PV1_0   = 0.0002",   "PV1_1   = 1.001",
                 "PV1_2   = -0.0004",    "PV1_4   = 0.0011",     "PV1_5   = -0.0007",  "PV1_6   = 0.0003",
                 "PV1_7   = 0.02",       "PV1_10  = -0.01",      "PV2_0   = -0.0001",  "PV2_1   = 0.999",
                 "PV2_2   = 0.0003",     "PV2_4   = -0.0006",    "PV2_5   = 0.0009",   "PV2_6   = 0.0002",
                 "PV2_7   = 0.015",      "PV2_8   = -0.012",     "RADESYS = 'ICRS'"}),
      2048, 2400);
  EXPECT_EQ(wcs->description(), "FITS TPV");
  expect_positions(*wcs,
                   {{0, 0, 150.32204208348531, 2.4110172756601944},
                    {2047, 0, 150.17230246937973, 2.4136574845631578},
                    {0, 2399, 150.3246043745953, 2.5862414245837333},
                    {1000, 1000.5, 150.24995047593845, 2.4853863081166545},
                    {2047.5, 2399.5, 150.1748265735726, 2.5888948337662243}},
                   1e-11, 1e-6);
}

TEST(MakeFitsWcs, ReadsAJwstGuiderHeaderWithFourAxes) {
  SKIP_WITHOUT_SHARED("data/real/jwst_fgs/add_wcs_default_acq1.fits");
  auto const wcs = make_fits_wcs(
      test::read_fits_header(test::shared_dir() / "data/real/jwst_fgs/add_wcs_default_acq1.fits", 1), 128, 128);
  auto const sky = wcs->pixel_to_sky(PixelPoint{-1, -1});  // CRPIX is (0, 0), 1-based
  EXPECT_NEAR(sky.ra, 269.8767320479423, 1e-12);
  EXPECT_NEAR(sky.dec, 66.58682886664394, 1e-12);
}

TEST(MakeFitsWcs, LeavesOutADegenerateThirdAxis) {
  auto lines = plain_tan();
  for (char const* extra : {"NAXIS   = 3", "WCSAXES = 3", "CTYPE3  = 'WAVE'", "CRVAL3  = 2.0E-6", "CRPIX3  = 1.0",
                            "CD3_3   = 1.0E-9", "CUNIT3  = 'm'"})
    lines.push_back(extra);
  auto const cube = make_fits_wcs(header_of(lines), 400, 300), plane = make_fits_wcs(header_of(plain_tan()), 400, 300);
  for (auto const& p : {PixelPoint{0, 0}, PixelPoint{399, 299}}) {
    EXPECT_EQ(cube->pixel_to_sky(p).ra, plane->pixel_to_sky(p).ra);
    EXPECT_EQ(cube->pixel_to_sky(p).dec, plane->pixel_to_sky(p).dec);
  }
}

TEST(MakeFitsWcs, KeepsPixelAxesWhenDeclinationComesFirst) {
  auto const swapped =
      make_fits_wcs(header_of({"CTYPE1  = 'DEC--TAN'", "CTYPE2  = 'RA---TAN'", "CRVAL1  = 47.2", "CRVAL2  = 202.0",
                               "CRPIX1  = 200.0", "CRPIX2  = 150.5", "CD1_1   = 1.2E-05", "CD1_2   = 2.1E-04",
                               "CD2_1   = -2.0E-04", "CD2_2   = 1.0E-05", "RADESYS = 'ICRS'"}),
                    400, 300);
  auto const plain = make_fits_wcs(header_of(plain_tan()), 400, 300);
  PixelPoint const p{12, 250};
  EXPECT_NEAR(swapped->pixel_to_sky(p).ra, plain->pixel_to_sky(p).ra, 1e-12);
  EXPECT_NEAR(swapped->pixel_to_sky(p).dec, plain->pixel_to_sky(p).dec, 1e-12);
  EXPECT_NEAR(swapped->sky_to_pixel(plain->pixel_to_sky(p)).x, p.x, 1e-8);
}

TEST(MakeFitsWcs, RotatesByCrotaAsTheOldConventionSays) {
  auto const wcs = make_fits_wcs(
      header_of({"CTYPE1  = 'RA---TAN'", "CTYPE2  = 'DEC--TAN'", "CRVAL1  = 0.0", "CRVAL2  = 0.0", "CRPIX1  = 200.0",
                 "CRPIX2  = 150.0", "CDELT1  = -0.0002", "CDELT2  = 0.0003", "CROTA2  = 30.0"}),
      400, 300);
  // At the equator x = tan(ra), y = tan(dec) / cos(ra). x = CDELT1 u cos r - CDELT2 v sin r; y = CDELT1 u sin r +
  // CDELT2 v cos r.
  double const u = 100, v = -50, r = M_PI / 6, degree = M_PI / 180;
  double const x = (-0.0002 * u * std::cos(r) - 0.0003 * v * std::sin(r)) * degree;
  double const y = (-0.0002 * u * std::sin(r) + 0.0003 * v * std::cos(r)) * degree;
  auto const sky = wcs->pixel_to_sky(PixelPoint{199 + u, 149 + v});
  EXPECT_NEAR(std::remainder(sky.ra, 360.0), std::atan(x) / degree, 1e-12);
  EXPECT_NEAR(sky.dec, std::atan(y * std::cos(std::atan(x))) / degree, 1e-12);
}

TEST(MakeFitsWcs, AppliesSipOfHeadersWithoutTheSuffixAsAstropyDoes) {
  SKIP_WITHOUT_SHARED("data/real/irac/n4643_irac1_cutout.fits");
  auto const wcs =
      make_fits_wcs(test::read_fits_header(test::shared_dir() / "data/real/irac/n4643_irac1_cutout.fits", 0), 501, 481);
  auto const sky = wcs->pixel_to_sky(PixelPoint{0, 0});
  EXPECT_NEAR(sky.ra, 190.88432763, 6e-9);
  EXPECT_NEAR(sky.dec, 1.93126795, 6e-9);
}

TEST(MakeFitsWcs, IgnoresASipSuffixWithoutCoefficients) {
  auto const wcs = make_fits_wcs(
      header_of(with(with(plain_tan(), "CTYPE1  = 'RA---TAN-SIP'"), "CTYPE2  = 'DEC--TAN-SIP'")), 400, 300);
  auto const plain = make_fits_wcs(header_of(plain_tan()), 400, 300);
  EXPECT_EQ(wcs->description(), "FITS TAN");
  EXPECT_EQ(wcs->pixel_to_sky(PixelPoint{7, 9}).ra, plain->pixel_to_sky(PixelPoint{7, 9}).ra);
}

TEST(MakeFitsWcs, TakesFk5Of2000AsIcrsAndSaysSo) {
  EXPECT_EQ(
      make_fits_wcs(header_of(with(with(plain_tan(), "RADESYS = 'FK5'"), "EQUINOX = 2000.0")), 400, 300)->description(),
      "FITS TAN (FK5 taken as ICRS)");
  EXPECT_EQ(make_fits_wcs(header_of(with(plain_tan(), "EQUINOX = 2000.0")), 400, 300)->description(), "FITS TAN");
}

TEST(MakeFitsWcs, RefusesOtherFramesByName) {
  EXPECT_THAT(message_of(with(with(plain_tan(), "RADESYS = 'FK4'"), "EQUINOX = 1950.0")),
              testing::HasSubstr("FK4 of equinox 1950"));
  EXPECT_THAT(message_of(with(with(plain_tan(), "RADESYS = 'FK5'"), "EQUINOX = 1975.0")),
              testing::HasSubstr("FK5 of equinox 1975"));
  EXPECT_THAT(message_of(with(with(plain_tan(), "CTYPE1  = 'GLON-TAN'"), "CTYPE2  = 'GLAT-TAN'")),
              testing::HasSubstr("GLON"));
}

TEST(MakeFitsWcs, RefusesWhatIsWrongOnTheSky) {
  EXPECT_THAT(message_of(with(plain_tan(), "CRVAL2  = 97.2")), testing::HasSubstr("off the sky"));
  EXPECT_THAT(message_of(with(plain_tan(), "CRVAL1  = 1202.0")), testing::HasSubstr("off the sky"));
  EXPECT_THAT(message_of(with(plain_tan(), "CRVAL1  = 'none'")), testing::HasSubstr("CRVAL1"));
  EXPECT_THAT(message_of(with(with(plain_tan(), "CD1_1   = 1.2E-05"), "CD1_2   = 2.1E-04")),
              testing::HasSubstr("singular"));
  EXPECT_THAT(message_of(with(with(with(with(plain_tan(), "CD1_1   = 0.0"), "CD1_2   = 0.0"), "CD2_1   = 0.0"),
                              "CD2_2   = 0.0")),
              testing::HasSubstr("singular"));
  EXPECT_THAT(message_of({"CTYPE1  = 'RA---TAN'", "CTYPE2  = 'DEC--TAN'", "CRVAL1  = 202.0", "CRVAL2  = 47.2"}),
              testing::HasSubstr("no pixel scale"));
  EXPECT_THAT(message_of(with(plain_tan(), "CTYPE2  = 'DEC--SIN'")), testing::HasSubstr("WCS"));
}

TEST(MakeFitsWcs, RefusesAnImageWithoutAWcs) {
  EXPECT_THAT(message_of({"NAXIS   = 2"}), testing::HasSubstr("no CTYPEi at all"));
  SKIP_WITHOUT_SHARED("data/real/m13/M13_blue_0001.fits");
  auto const header = test::read_fits_header(test::shared_dir() / "data/real/m13/M13_blue_0001.fits", 0);
  EXPECT_FALSE(has_celestial_wcs(header));
  EXPECT_THROW(make_fits_wcs(header, 1392, 1040), InputError);
}

TEST(MakeFitsWcs, GivesEveryThreadTheSameAnswers) {
  auto const wcs = make_fits_wcs(header_of(plain_tan()), 400, 300);
  std::vector<double> x(5000), y(5000);
  for (std::size_t k = 0; k < x.size(); ++k) {
    x[k] = static_cast<double>(k % 400);
    y[k] = static_cast<double>(k % 300);
  }
  std::vector<double> ra(5000), dec(5000);
  wcs->pixel_to_sky(x, y, ra, dec);
  std::vector<int> differences(8, 0);
  std::vector<std::thread> threads;
  for (auto& count : differences)
    threads.emplace_back([&] {
      std::vector<double> a(5000), d(5000), u(5000), v(5000);
      for (int repeat = 0; repeat < 10; ++repeat) {
        wcs->pixel_to_sky(x, y, a, d);
        wcs->sky_to_pixel(a, d, u, v);
        count += a != ra || d != dec;
        for (std::size_t k = 0; k < x.size(); ++k) count += std::abs(u[k] - x[k]) > 1e-8;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(differences, testing::Each(0));
}

}  // namespace
}  // namespace tessera::sky
