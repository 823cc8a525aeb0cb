#include "tessera/sky/pointing.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "support/test_files.hpp"
#include "tessera/core/error.hpp"
#include "tessera/sky/transforms.hpp"

namespace tessera::sky {
namespace {

std::array<double, 2> evaluate_pair(Transform const& transform, double first, double second) {
  double a = 0, b = 0;
  double const* const in[] = {&first, &second};
  double* const out[] = {&a, &b};
  transform.evaluate(1, in, out);
  return {a, b};
}

Pointing read_pointing(nlohmann::json const& keywords) {
  Pointing pointing;
  pointing.v2_ref = keywords.at("V2_REF");
  pointing.v3_ref = keywords.at("V3_REF");
  pointing.roll_ref = keywords.at("ROLL_REF");
  pointing.ra_ref = keywords.at("RA_REF");
  pointing.dec_ref = keywords.at("DEC_REF");
  if (!keywords.at("VA_SCALE").is_null()) pointing.va_scale = keywords.at("VA_SCALE").get<double>();
  return pointing;
}

TEST(Pointing, AgreesWithTheReferenceThroughEveryFrame) {
  auto const vector = test::read_vector("pointing_cases.json");  // outlives the loop over its part
  for (auto const& keywords : vector.at("v23tosky_and_dva")) {
    auto const pointing = read_pointing(keywords);
    auto const aberration = make_velocity_aberration(pointing), to_sky = make_v2v3_to_sky(pointing);
    for (auto const& point : keywords.at("points")) {
      auto const moved = evaluate_pair(*aberration, point.at("v2"), point.at("v3"));
      EXPECT_NEAR(moved[0], point.at("v2_va"), 1e-9);
      EXPECT_NEAR(moved[1], point.at("v3_va"), 1e-9);
      auto const sky = evaluate_pair(*to_sky, moved[0], moved[1]);
      double const ra = point.at("ra"), dec = point.at("dec");
      EXPECT_NEAR(std::remainder(sky[0] - ra, 360.0) * std::cos(dec * RadiansPerDegree), 0, 1e-11);
      EXPECT_NEAR(sky[1], dec, 1e-11);
      auto const back = evaluate_pair(*to_sky->inverse(), ra, dec);
      auto const v2v3 = evaluate_pair(*aberration->inverse(), back[0], back[1]);
      EXPECT_NEAR(v2v3[0], point.at("inv_v2"), 1e-9);
      EXPECT_NEAR(v2v3[1], point.at("inv_v3"), 1e-9);
    }
  }
}

TEST(Pointing, MapsTheReferencePointToItselfWhateverTheAberration) {
  Pointing const pointing{122.6, -457.7, 144.8, 110.87, -73.456, 1.0001};
  auto const moved = evaluate_pair(*make_velocity_aberration(pointing), pointing.v2_ref, pointing.v3_ref);
  auto const sky = evaluate_pair(*make_v2v3_to_sky(pointing), moved[0], moved[1]);
  EXPECT_NEAR(sky[0], 110.87, 1e-11);
  EXPECT_NEAR(sky[1], -73.456, 1e-11);
}

TEST(RollAt, AgreesWithTheReference) {
  auto const vector = test::read_vector("pointing_cases.json");  // outlives the loop over its part
  for (auto const& row : vector.at("compute_roll_ref")) {
    Pointing pointing{row.at("v2_ref"), row.at("v3_ref"), row.at("roll_ref"), row.at("ra_ref"), row.at("dec_ref"), {}};
    EXPECT_NEAR(roll_at(pointing, row.at("new_v2"), row.at("new_v3")), row.at("new_roll"), 1e-11);
  }
}

TEST(RollAt, IsTheRollItselfAtTheReferencePoint) {
  Pointing const pointing{-86.1, 493.2, 233.75, 10.5, 41.2, {}};
  EXPECT_NEAR(roll_at(pointing, pointing.v2_ref, pointing.v3_ref), 233.75, 1e-10);
}

TEST(VelocityAberration, IsIdentityOrRefused) {
  Pointing pointing;
  EXPECT_EQ(make_velocity_aberration(pointing)->tag(), "transform/identity");
  pointing.va_scale = 1.0;
  EXPECT_EQ(make_velocity_aberration(pointing)->tag(), "transform/identity");
  pointing.va_scale = 1.5;  // about (0, 0): only the scale is stored
  EXPECT_EQ(make_velocity_aberration(pointing)->tag(), "transform/concatenate");
  for (double const scale : {0.0, -1.0, std::nan("")}) {
    pointing.va_scale = scale;
    EXPECT_THROW(make_velocity_aberration(pointing), InputError);
  }
}

DetectorGeometry make_detector(bool with_file_box) {
  auto const distortion = join(std::make_shared<Scale>(0.03), std::make_shared<Scale>(0.03));
  if (with_file_box) distortion->common.bounding_box = {{"x0", 3.5, 1027.5}, {"x1", -0.5, 1023.5}};
  DetectorGeometry detector;
  detector.subsize1 = 640;
  detector.subsize2 = 512;
  detector.distortion = distortion;
  return detector;
}

TEST(MakeImagingWcs, ChoosesTheBoxByTheRules) {
  auto detector = make_detector(true);
  auto box = make_imaging_wcs(detector, {})->bounding_box();
  ASSERT_TRUE(box);
  EXPECT_EQ(box->x_low, 3.5);  // full frame: as in the file
  EXPECT_EQ(box->y_high, 1023.5);
  detector.filter_offset = PixelPoint{0.5, -0.5};
  box = make_imaging_wcs(detector, {})->bounding_box();
  EXPECT_EQ(box->x_high, 1027.5);
  detector.substrt2 = 100;  // a subarray: the array
  box = make_imaging_wcs(detector, {})->bounding_box();
  EXPECT_EQ(box->x_low, -0.5);
  EXPECT_EQ(box->x_high, 639.5);
  EXPECT_EQ(box->y_high, 511.5);
  box = make_imaging_wcs(make_detector(false), {})->bounding_box();
  EXPECT_EQ(box->x_high, 639.5);
}

TEST(MakeImagingWcs, ShiftsByTheOriginOfTheSubarrayThenByTheFilterOffset) {
  auto detector = make_detector(false);
  detector.substrt1 = 101;
  detector.filter_offset = PixelPoint{0.25, -0.5};
  auto const wcs = make_imaging_wcs(detector, {});
  EXPECT_EQ(wcs->description(), "gwcs detector>v2v3>v2v3vacorr>world");
  double const x = 10, y = 20;
  double v2 = 0, v3 = 0;
  wcs->evaluate_to("v2v3", {&x, 1}, {&y, 1}, {&v2, 1}, {&v3, 1});
  EXPECT_NEAR(v2, 0.03 * 110.25, 1e-13);
  EXPECT_NEAR(v3, 0.03 * 19.5, 1e-13);
}

}  // namespace
}  // namespace tessera::sky
