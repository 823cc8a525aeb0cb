#include "tessera/sky/exact_inverse.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tessera/simulate/focal_plane.hpp"

namespace tessera::simulate {
namespace {

TEST(ExactSkyToPixel, UndoesEverySimulatedDetector) {
  double worst_stored = 0;
  for (char const* name : {"nrca1", "nrca4", "nrcb2", "nrcb3", "nrcalong", "nrcblong", "mirimage"}) {
    auto const detector = make_detector(name, instrument_centre({name}), {});
    auto const wcs = sky::make_imaging_wcs(make_geometry(detector), {.v2_ref = detector.v2_ref,
                                                                     .v3_ref = detector.v3_ref,
                                                                     .roll_ref = 33,
                                                                     .ra_ref = 150,
                                                                     .dec_ref = 2.2,
                                                                     .va_scale = {}});
    std::vector<double> x, y;
    for (double v = -0.5; v <= detector.ny; v += 37)
      for (double u = -0.5; u <= detector.nx; u += 37) {
        x.push_back(u);
        y.push_back(v);
      }
    std::vector<double> ra(x.size()), dec(x.size()), px(x.size()), py(x.size());
    wcs->pixel_to_sky(x, y, ra, dec);
    wcs->sky_to_pixel(ra, dec, px, py);
    for (std::size_t k = 0; k < x.size(); ++k)
      worst_stored = std::max(worst_stored, std::hypot(px[k] - x[k], py[k] - y[k]));
    sky::exact_sky_to_pixel(*wcs, ra, dec, px, py);
    for (std::size_t k = 0; k < x.size(); ++k) {
      ASSERT_NEAR(px[k], x[k], 1e-7) << name;
      ASSERT_NEAR(py[k], y[k], 1e-7) << name;
    }
  }
  EXPECT_GT(worst_stored, 1e-3) << "the models' own inverses are exact: what is this function for?";
}

}  // namespace
}  // namespace tessera::simulate
