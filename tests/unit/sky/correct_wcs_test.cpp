#include "tessera/sky/correct_wcs.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "support/test_files.hpp"
#include "tessera/core/error.hpp"
#include "tessera/sky/pointing.hpp"
#include "tessera/sky/transforms.hpp"

namespace tessera::sky {
namespace {

constexpr double ArcsecPerRadian = 3600 * DegreesPerRadian;

std::array<double, 2> evaluate_pair(Transform const& transform, double first, double second) {
  double a = 0, b = 0;
  double const* const in[] = {&first, &second};
  double* const out[] = {&a, &b};
  transform.evaluate(1, in, out);
  return {a, b};
}

Pointing const TestPointing{-122.6, -457.8, 144.8, 359.9999, -73.456, 0.99999};

std::shared_ptr<Gwcs const> make_exposure() {
  auto const pixels = join(std::make_shared<Shift>(-1000.0), std::make_shared<Shift>(-900.0));
  auto const scale = join(std::make_shared<Scale>(-0.031), std::make_shared<Scale>(0.031));
  auto const offset = join(std::make_shared<Shift>(-120.0), std::make_shared<Shift>(-455.0));
  DetectorGeometry detector;
  detector.subsize1 = detector.subsize2 = 2048;
  detector.distortion = chain(chain(pixels, scale), offset);
  return make_imaging_wcs(detector, TestPointing);
}

/// A WCS of one step, without V2V3.
WcsPointer make_mosaic() {
  auto const plane = join(std::make_shared<Scale>(-1e-5), std::make_shared<Scale>(1e-5));
  auto const to_sky = chain(chain(plane, std::make_shared<Gnomonic>(Gnomonic::Direction::PixelToSky)),
                            std::make_shared<Rotate3D>(359.999, 20, 180, "native2celestial"));
  return std::make_shared<Gwcs const>("",
                                      std::vector<GwcsStep>{{{"detector", GwcsFrame::Kind::Plain2D, {}, {}}, to_sky},
                                                            {{"world", GwcsFrame::Kind::Celestial, {}, {}}, nullptr}});
}

model::WcsCorrection make_correction(CorrectionPlane const& plane) {
  return {{{{1.0002, 0.0003}, {-0.0001, 0.9997}}}, {2e-6, -3e-6}, plane.v2_ref, plane.v3_ref, plane.roll_ref};
}

PixelPoint position_in_plane(CorrectionPlane const& plane, SkyPoint sky) {
  PixelPoint p;
  plane.sky_to_plane({&sky.ra, 1}, {&sky.dec, 1}, {&p.x, 1}, {&p.y, 1});
  return p;
}

TEST(CorrectionTransform, AgreesWithTheReference) {
  auto const vector = test::read_vector("align_cases.json");  // outlives the loop over its part
  for (auto const& row : vector.at("tangent_plane_correction")) {
    model::WcsCorrection correction;
    correction.v2_ref = row.at("v2_ref_arcsec");
    correction.v3_ref = row.at("v3_ref_arcsec");
    correction.roll_ref = row.at("roll_ref_deg");
    for (std::size_t i = 0; i < 2; ++i) {
      correction.shift[i] = row.at("shift_arcsec").at(i).get<double>() / ArcsecPerRadian;
      for (std::size_t j = 0; j < 2; ++j) correction.matrix[i][j] = row.at("matrix").at(i).at(j);
    }
    auto const transform = make_correction_transform(correction);
    for (std::size_t k = 0; k < row.at("v2v3_in").size(); ++k) {
      double const v2 = row.at("v2v3_in").at(k).at(0), v3 = row.at("v2v3_in").at(k).at(1);
      auto const out = evaluate_pair(*transform, v2, v3);
      EXPECT_NEAR(out[0], row.at("v2v3_out").at(k).at(0), 1e-9);
      EXPECT_NEAR(out[1], row.at("v2v3_out").at(k).at(1), 1e-9);
      auto const back = evaluate_pair(*transform->inverse(), out[0], out[1]);
      EXPECT_NEAR(back[0], v2, 1e-9);
      EXPECT_NEAR(back[1], v3, 1e-9);
    }
  }
}

TEST(CorrectionPlane, IsTangentAtTheReferencePositionOfAnExposure) {
  auto const plane = correction_plane(*make_exposure(), {0, 0});
  EXPECT_NEAR(plane.tangent.ra, 359.9999, 1e-11);
  EXPECT_NEAR(plane.tangent.dec, -73.456, 1e-12);
  EXPECT_NEAR(plane.v2_ref, -122.6, 1e-11);
  EXPECT_NEAR(plane.v3_ref, -457.8, 1e-11);
  EXPECT_NEAR(plane.roll_ref, 144.8, 1e-12);
  auto const north = position_in_plane(plane, {359.9999, -73.456 + 0.001});
  EXPECT_NEAR(north.x, 0, 1e-14);
  EXPECT_NEAR(north.y, 0.001 * RadiansPerDegree, 1e-14);
  EXPECT_GT(position_in_plane(plane, {0.0001, -73.456}).x, 0);
}

TEST(CorrectionPlane, GoesToTheSkyAndBack) {
  CorrectionPlane const plane{{0.001, 60}, 3.6, 216000, 0};
  for (double const x : {-0.01, 0.0, 0.02})
    for (double const y : {-0.03, 0.01}) {
      SkyPoint sky;
      plane.plane_to_sky({&x, 1}, {&y, 1}, {&sky.ra, 1}, {&sky.dec, 1});
      EXPECT_GE(sky.ra, 0);
      EXPECT_LT(sky.ra, 360);
      auto const back = position_in_plane(plane, sky);
      EXPECT_NEAR(back.x, x, 1e-14);
      EXPECT_NEAR(back.y, y, 1e-14);
    }
}

/// The meaning of a correction, whatever the WCS: positions in the plane go through the affine.
void expect_correction(WcsPointer const& wcs) {
  auto const plane = correction_plane(*wcs, {1024, 1024});
  auto const correction = make_correction(plane);
  auto const corrected = correct_wcs(wcs, correction);
  for (double const x : {0.0, 1024.0, 2047.0})
    for (double const y : {0.0, 2047.0}) {
      auto const before = position_in_plane(plane, wcs->pixel_to_sky(PixelPoint{x, y}));
      auto const sky = corrected->pixel_to_sky(PixelPoint{x, y});
      auto const after = position_in_plane(plane, sky);
      auto const& m = correction.matrix;
      EXPECT_NEAR(after.x, m[0][0] * before.x + m[0][1] * before.y + correction.shift[0], 1e-14);
      EXPECT_NEAR(after.y, m[1][0] * before.x + m[1][1] * before.y + correction.shift[1], 1e-14);
      auto const pixel = corrected->sky_to_pixel(sky);
      EXPECT_NEAR(pixel.x, x, 1e-6);
      EXPECT_NEAR(pixel.y, y, 1e-6);
    }
}

TEST(CorrectWcs, AppliesTheAffineInThePlaneOfAnExposure) { expect_correction(make_exposure()); }
TEST(CorrectWcs, AppliesTheAffineInThePlaneOfAnyOtherWcs) { expect_correction(make_mosaic()); }

TEST(CorrectWcs, InsertsAFrameAfterTheVelocityAberration) {
  auto const exposure = make_exposure();
  auto const corrected = correct_wcs(exposure, make_correction(correction_plane(*exposure, {})));
  EXPECT_EQ(corrected->description(), "gwcs detector>v2v3>v2v3vacorr>v2v3corr>world");
  ASSERT_TRUE(corrected->bounding_box());
}

TEST(CorrectWcs, ComposesWithACorrectionThatIsThereAlready) {
  for (WcsPointer const& wcs : {WcsPointer(make_exposure()), make_mosaic()}) {
    auto const plane = correction_plane(*wcs, {1024, 1024});
    auto const first = make_correction(plane);
    model::WcsCorrection second = first;
    second.matrix = {{{0.9999, -0.0004}, {0.0002, 1.0001}}};
    second.shift = {-1e-6, 5e-7};
    auto const once = correct_wcs(wcs, first);
    auto const twice = correct_wcs(once, second);
    EXPECT_EQ(twice->description(), once->description());
    auto const p = position_in_plane(plane, once->pixel_to_sky(PixelPoint{100, 1900}));
    auto const q = position_in_plane(plane, twice->pixel_to_sky(PixelPoint{100, 1900}));
    EXPECT_NEAR(q.x, second.matrix[0][0] * p.x + second.matrix[0][1] * p.y + second.shift[0], 1e-14);
    EXPECT_NEAR(q.y, second.matrix[1][0] * p.x + second.matrix[1][1] * p.y + second.shift[1], 1e-14);
  }
}

TEST(CorrectWcs, ChainsACorrectionInAnotherPlane) {
  auto const exposure = make_exposure();
  auto const first = make_correction(correction_plane(*exposure, {}));
  model::WcsCorrection other = first;
  other.roll_ref += 10;
  auto const once = correct_wcs(exposure, first);
  auto const twice = correct_wcs(once, other);
  EXPECT_EQ(twice->description(), once->description());
  EXPECT_FALSE(stored_correction(dynamic_cast<Gwcs const&>(*twice)));
  auto const pixel = twice->sky_to_pixel(twice->pixel_to_sky(PixelPoint{300, 400}));
  EXPECT_NEAR(pixel.x, 300, 1e-6);
  EXPECT_NEAR(pixel.y, 400, 1e-6);
}

TEST(StoredCorrection, IsWhatWasApplied) {
  auto const exposure = make_exposure();
  EXPECT_FALSE(stored_correction(*exposure));
  auto const correction = make_correction(correction_plane(*exposure, {}));
  auto const stored = stored_correction(dynamic_cast<Gwcs const&>(*correct_wcs(exposure, correction)));
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->matrix, correction.matrix);
  EXPECT_EQ(stored->shift, correction.shift);
  EXPECT_NEAR(stored->v2_ref, correction.v2_ref, 1e-11);
  EXPECT_NEAR(stored->v3_ref, correction.v3_ref, 1e-11);
  EXPECT_EQ(stored->roll_ref, correction.roll_ref);
}

TEST(CorrectWcs, RefusesAffinesThatCannotBeInverted) {
  auto const exposure = make_exposure();
  model::WcsCorrection correction;
  correction.matrix = {{{1, 2}, {2, 4}}};
  EXPECT_THROW(correct_wcs(exposure, correction), InputError);
  correction.matrix = {{{1, 0}, {0, std::nan("")}}};
  EXPECT_THROW(correct_wcs(exposure, correction), InputError);
}

}  // namespace
}  // namespace tessera::sky
