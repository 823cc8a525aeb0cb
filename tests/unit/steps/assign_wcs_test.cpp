#include "tessera/steps/lv2/assign_wcs.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

#include "support/distortion_files.hpp"
#include "support/rate_files.hpp"
#include "support/test_files.hpp"
#include "tessera/core/error.hpp"
#include "tessera/sky/fits_wcs.hpp"

namespace tessera::steps {
namespace {

char const* const NeededFile = "data/wcs/synthetic_nircam_distortion.asdf";

/// The exposure of assign_wcs_case.json, without pixels.
struct VectorExposure {
  nlohmann::json vector = test::read_vector("assign_wcs_case.json");
  std::filesystem::path distortion = test::shared_dir() / vector.at("distortion").get<std::string>();
  std::filesystem::path filteroffset = test::shared_dir() / vector.at("filteroffset").get<std::string>();
  model::ExposureImage image;

  VectorExposure() {
    image.path = "vector_rate.fits";
    for (auto const& [keyword, value] : vector.at("header").items()) {
      auto& header = keyword.find("_REF") != std::string::npos || keyword == "VA_SCALE" || keyword.starts_with("CRPIX")
                         ? image.sci_header
                         : image.primary;
      if (value.is_string())
        header.set(keyword, std::string_view(value.get_ref<std::string const&>()));
      else if (value.is_number_integer())
        header.set(keyword, value.get<long long>());
      else
        header.set(keyword, value.get<double>());
    }
    image.window = {1, 1, 2048, 2048};
  }
};

TEST(MakeWcs, AgreesWithTheOfficialStep) {
  SKIP_WITHOUT_SHARED(NeededFile);
  VectorExposure exposure;
  auto const wcs = make_wcs(exposure.image, exposure.distortion, exposure.filteroffset);
  auto const& points = exposure.vector.at("expected_points");
  ASSERT_EQ(points.size(), 30u);
  for (auto const& point : points) {
    double const x = point.at("x"), y = point.at("y");
    double v2 = 0, v3 = 0;
    wcs->evaluate_to("v2v3", {&x, 1}, {&y, 1}, {&v2, 1}, {&v3, 1});
    EXPECT_NEAR(v2, point.at("v2").get<double>(), 1e-9);
    EXPECT_NEAR(v3, point.at("v3").get<double>(), 1e-9);
    auto const sky = wcs->pixel_to_sky(sky::PixelPoint{x, y});
    EXPECT_NEAR(sky.ra, point.at("ra").get<double>(), 1e-12);
    EXPECT_NEAR(sky.dec, point.at("dec").get<double>(), 1e-12);
    auto const pixel = wcs->sky_to_pixel(sky::SkyPoint{point.at("ra"), point.at("dec")});
    EXPECT_NEAR(pixel.x, point.at("inv_x").get<double>(), 1e-8);
    EXPECT_NEAR(pixel.y, point.at("inv_y").get<double>(), 1e-8);
  }
}

TEST(AssignWcs, SaysInTheHeadersWhatTheOfficialStepDoes) {
  SKIP_WITHOUT_SHARED(NeededFile);
  VectorExposure exposure;
  auto& sci = exposure.image.sci_header;
  sci.set("S_REGION", "POLYGON ICRS  1 2 3 4 5 6 7 8");
  sci.set("CDELT1", 1e-5);
  sci.set("PC1_1", -1.0);
  assign_wcs(exposure.image, exposure.distortion, exposure.filteroffset, {});
  EXPECT_EQ(sci.text("S_REGION"), exposure.vector.at("S_REGION").get<std::string>());
  EXPECT_EQ(exposure.image.primary.text("S_WCS"), "COMPLETE");
  EXPECT_EQ(exposure.image.primary.text("R_DISTOR"), "crds://synthetic_nircam_distortion.asdf");
  EXPECT_EQ(exposure.image.primary.text("R_FILOFF"), "crds://synthetic_nircam_filteroffset.asdf");
  EXPECT_FALSE(sci.has("CDELT1") || sci.has("PC1_1"));
  EXPECT_EQ(sci.text("CTYPE1"), "RA---TAN-SIP");

  auto const fits = test::read_vector("sip_fit.json");
  auto const& header = fits.at(exposure.vector.at("sip_fit_key").get<std::string>()).at("header");
  int compared = 0;
  for (auto const& [keyword, value] : header.items()) {
    auto const found = sci.real(keyword);
    ASSERT_TRUE(found) << keyword;
    EXPECT_FALSE(sci.comment(keyword).empty()) << keyword;
    double const expected = value;
    // Coefficients of high order are defined to about 1e-6 (spec 20, 3.9); linear ones of the inverse are differences.
    if (keyword.starts_with("CRVAL"))
      EXPECT_NEAR(*found, expected, 1e-11) << keyword;
    else if (keyword.starts_with("CD"))
      EXPECT_NEAR(*found / expected, 1, 1e-9) << keyword;
    else if (keyword.starts_with("SIP"))
      EXPECT_NEAR(*found, expected, 1e-8) << keyword;
    else if (keyword.ends_with("_ORDER") || keyword.starts_with("CRPIX"))
      EXPECT_EQ(*found, expected) << keyword;
    else if (keyword == "A_2_0" || keyword == "A_1_1" || keyword == "B_0_2" || keyword == "B_2_0")
      EXPECT_NEAR(*found / expected, 1, 1e-6) << keyword;
    else
      continue;
    ++compared;
  }
  EXPECT_EQ(compared, 18);
}

TEST(AssignWcs, WritesKeywordsThatAreTheWcs) {
  SKIP_WITHOUT_SHARED(NeededFile);
  VectorExposure exposure;
  auto const wcs = assign_wcs(exposure.image, exposure.distortion, exposure.filteroffset, {});
  auto const header_wcs = sky::make_fits_wcs(exposure.image.sci_header, 2048, 2048);
  for (double const x : {0.0, 700.0, 2047.0})
    for (double const y : {0.0, 1500.0, 2047.0}) {
      auto const sky = wcs->pixel_to_sky(sky::PixelPoint{x, y});
      auto const found = header_wcs->pixel_to_sky(sky::PixelPoint{x, y});
      double const arcsec =
          3600 * std::hypot((found.ra - sky.ra) * std::cos(sky.dec * 0.01745329251994), found.dec - sky.dec);
      EXPECT_LT(arcsec / 0.031, 0.01) << x << " " << y;
    }
}

TEST(AssignWcs, HasTheRegionOfOldPipelinesWhereAskedFor) {
  SKIP_WITHOUT_SHARED(NeededFile);
  VectorExposure exposure;
  Lv2Options options;
  options.before_version_1_16 = true;
  assign_wcs(exposure.image, exposure.distortion, exposure.filteroffset, options);
  EXPECT_EQ(exposure.image.sci_header.text("S_REGION"), exposure.vector.at("S_REGION_1_13_4").get<std::string>());
}

class AssignPlainWcs : public ::testing::Test {
 protected:
  test::ScratchFolder folder{"assign_wcs"};
  std::filesystem::path distortion = folder.path() / "distortion.asdf";
  model::ExposureImage image;

  void SetUp() override {
    test::write_distortion(distortion, *test::plain_distortion(0.1, 11.5, 7.5, -100, -450));
    test::RateFile const rate;
    image.path = "plain_rate.fits";
    image.primary = rate.primary;
    image.sci_header = rate.sci;
    image.window = {1, 1, test::RateWidth, test::RateHeight};
  }
};

TEST_F(AssignPlainWcs, PutsTheReferencePointWhereTheHeaderSays) {
  auto const wcs = assign_wcs(image, distortion, "", {});
  auto const sky = wcs->pixel_to_sky(sky::PixelPoint{11.5, 7.5});
  EXPECT_NEAR(sky.ra, 10.0, 1e-12);
  EXPECT_NEAR(sky.dec, 20.0, 1e-12);
  EXPECT_EQ(image.primary.text("R_FILOFF"), "N/A");
}

TEST_F(AssignPlainWcs, MovesSubarraysToTheirPlace) {
  auto const full = make_wcs(image, distortion, "");
  image.window = {6, 4, 10, 8};
  auto const part = make_wcs(image, distortion, "");
  auto const expected = full->pixel_to_sky(sky::PixelPoint{5 + 2.0, 3 + 1.0});
  auto const found = part->pixel_to_sky(sky::PixelPoint{2, 1});
  EXPECT_NEAR(found.ra, expected.ra, 1e-13);
  EXPECT_NEAR(found.dec, expected.dec, 1e-13);
  EXPECT_EQ(part->bounding_box()->x_high, 9.5);
}

TEST_F(AssignPlainWcs, LeavesTheLinearKeywordsWithoutSip) {
  Lv2Options options;
  options.sip_approx = false;
  assign_wcs(image, distortion, "", options);
  EXPECT_TRUE(image.sci_header.has("PC1_1") && image.sci_header.has("CDELT1"));
  EXPECT_FALSE(image.sci_header.has("CD1_1"));
  EXPECT_TRUE(image.sci_header.has("S_REGION"));
}

TEST_F(AssignPlainWcs, NamesTheFileOfAnOverride) {
  Lv2Options options;
  options.overrides["distortion"] = distortion.string();
  assign_wcs(image, distortion, "", options);
  EXPECT_EQ(image.primary.text("R_DISTOR"), distortion.string());
}

TEST_F(AssignPlainWcs, RefusesAnExposureWithoutPointing) {
  image.sci_header.remove("V2_REF");
  auto const before = image.sci_header.cards().size();
  try {
    assign_wcs(image, distortion, "", {});
    FAIL() << "taken";
  } catch (InputError const& error) {
    EXPECT_NE(std::string(error.what()).find("plain_rate.fits[SCI]"), std::string::npos) << error.what();
  }
  EXPECT_EQ(image.sci_header.cards().size(), before);
  EXPECT_FALSE(image.primary.has("S_WCS"));
}

}  // namespace
}  // namespace tessera::steps
