#include "tessera/simulate/focal_plane.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tessera/simulate/survey_plan.hpp"

namespace tessera::simulate {
namespace {

struct Corner {
  double x, y, x_ideal, y_ideal;
};

/// Places of 0-based full-format pixels in V2V3 by the distortion tree, back in the aperture's ideal frame.
std::array<double, 2> to_ideal(Detector const& detector, double x, double y) {
  double v2 = 0, v3 = 0;
  double const* in[]{&x, &y};
  double* out[]{&v2, &v3};
  make_distortion(detector)->evaluate(1, in, out);
  double const a = detector.aperture->v3_idl_y_angle * std::numbers::pi / 180, p = detector.aperture->vidl_parity;
  double const d2 = v2 - detector.v2_ref, d3 = v3 - detector.v3_ref;
  return {p * (d2 * std::cos(a) - d3 * std::sin(a)), d2 * std::sin(a) + d3 * std::cos(a)};
}

// The SIAF lists the ideal coordinates of the corners (XIdlVert, YIdlVert) beside the polynomials, with four decimals.
TEST(MakeDistortion, PutsTheCornersWhereTheSiafListsThem) {
  Detector const a5 = make_detector("nrcalong", instrument_centre({"nrcalong"}), {});
  for (Corner const& corner : {Corner{-0.5, -0.5, -65.2400, -64.5811}, Corner{2047.5, -0.5, 65.2884, -65.2672},
                               Corner{2047.5, 2047.5, 63.7459, 64.8221}, Corner{-0.5, 2047.5, -63.7087, 64.5535}}) {
    auto const [x, y] = to_ideal(a5, corner.x, corner.y);
    EXPECT_NEAR(x, corner.x_ideal, 1e-3);
    EXPECT_NEAR(y, corner.y_ideal, 1e-3);
  }
}

TEST(MakeDistortion, PutsTheReferencePixelAtTheReferencePoint) {
  for (SiafAperture const& aperture : siaf_apertures()) {
    Detector const detector = make_detector(aperture.detector, instrument_centre({aperture.detector}), {});
    double const x = aperture.x_ref - 1, y = aperture.y_ref - 1;
    double v2 = 0, v3 = 0;
    double const* in[]{&x, &y};
    double* out[]{&v2, &v3};
    make_distortion(detector)->evaluate(1, in, out);
    EXPECT_NEAR(v2, aperture.v2_ref, 1e-9) << aperture.name;
    EXPECT_NEAR(v3, aperture.v3_ref, 1e-9) << aperture.name;
  }
}

TEST(MakeDistortion, HasAnInverseGoodToAFewHundredthsOfAPixel) {
  for (SiafAperture const& aperture : siaf_apertures()) {
    Detector const detector = make_detector(aperture.detector, instrument_centre({aperture.detector}), {});
    auto const forward = make_distortion(detector);
    auto const inverse = forward->inverse();
    ASSERT_TRUE(inverse) << aperture.name;
    for (double const x : {10.0, 700.0, 1000.0})
      for (double const y : {20.0, 500.0, 1010.0}) {
        double v2 = 0, v3 = 0, back_x = 0, back_y = 0;
        double const *in[]{&x, &y}, *middle_in[]{&v2, &v3};
        double *middle[]{&v2, &v3}, *out[]{&back_x, &back_y};
        forward->evaluate(1, in, middle);
        inverse->evaluate(1, middle_in, out);
        EXPECT_NEAR(back_x, x, 0.05) << aperture.name;  // spec 20, 3.3: real files keep 0.05 to 0.1
        EXPECT_NEAR(back_y, y, 0.05) << aperture.name;
      }
  }
}

TEST(MakeDetector, TakesASmallArrayFromTheMiddleAndMovesItIn) {
  config::DetectorSettings settings;
  settings.nircam_size = 512;
  V2V3 const centre = instrument_centre({"nrcalong", "nrcblong"});
  Detector const small = make_detector("nrcalong", centre, settings);
  EXPECT_EQ(small.substrt1, 769);
  EXPECT_EQ(small.nx, 512);
  EXPECT_DOUBLE_EQ(small.crpix1(), 256.5);
  EXPECT_NEAR(small.v2_ref - centre.v2, (small.aperture->v2_ref - centre.v2) / 4, 1e-12);
  settings.compact = false;
  EXPECT_DOUBLE_EQ(make_detector("nrcalong", centre, settings).v2_ref, small.aperture->v2_ref);
}

TEST(FieldOfView, IsTheImagerOfMiriWithoutItsCoronagraphSide) {
  // 74" x 113" (JDox), less the part of the detector's columns beside it.
  V2V3 const view = field_of_view({make_detector("mirimage", instrument_centre({"mirimage"}), {})});
  EXPECT_NEAR(view.v2, 74, 1);
  EXPECT_NEAR(view.v3, 113, 1);
}

TEST(FieldOfView, IsTheWholeOfALongDetector) {
  V2V3 const view = field_of_view({make_detector("nrcalong", instrument_centre({"nrcalong"}), {})});
  EXPECT_NEAR(view.v2, 129, 2);
  EXPECT_NEAR(view.v3, 129, 2);
}

TEST(MakePointing, ReturnsTheAttitudeAtItsOwnPoint) {
  Detector const detector = make_detector("nrcb1", instrument_centre({"nrcb1"}), {});
  Attitude const attitude{{detector.v2_ref, detector.v3_ref}, 123.25, -41.5, 77.0};
  sky::Pointing const pointing = make_pointing(detector, attitude, 1);
  EXPECT_NEAR(pointing.ra_ref, 123.25, 1e-11);
  EXPECT_NEAR(pointing.dec_ref, -41.5, 1e-11);
  EXPECT_NEAR(pointing.roll_ref, 77.0, 1e-9);
  EXPECT_FALSE(pointing.va_scale.has_value());
}

TEST(ParseUtc, KnowsTheModifiedJulianDate) {
  EXPECT_DOUBLE_EQ(parse_utc("2000-01-01T00:00:00"), 51544.0);
  EXPECT_DOUBLE_EQ(parse_utc("2023-02-25T12:00:00"), 60000.5);
  EXPECT_EQ(format_utc(60000.5), "2023-02-25T12:00:00.000");
  EXPECT_EQ(format_utc(59999.05131164352), "2023-02-24T01:13:53.326");  // of a real MIRI exposure
}

}  // namespace
}  // namespace tessera::simulate
