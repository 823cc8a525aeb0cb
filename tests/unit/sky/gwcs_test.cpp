#include "tessera/sky/gwcs.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tessera/core/error.hpp"
#include "tessera/sky/transforms.hpp"

namespace tessera::sky {
namespace {

/// Detector to the sky by a distortion without inverse, a projection and a rotation. About 0.03 arcsec a pixel.
Gwcs make_wcs(bool with_box) {
  std::vector<double> const first{0, 1e-8, 3e-11, 0, 8e-6, 2e-11, 0, 0, 4e-11, 0, 0, 0, 0, 0, 0, 0};
  std::vector<double> const second{0, 8e-6, -2e-11, 1e-14, 1e-7, 1e-11, 0, 0, -5e-11, 0, 0, 0, 0, 0, 0, 0};
  auto const distortion =
      chain(std::make_shared<RemapAxes>(std::vector<int>{0, 1, 0, 1}),
            join(std::make_shared<Polynomial2D>(3, first), std::make_shared<Polynomial2D>(3, second)));
  if (with_box) distortion->common.bounding_box = {{"x0", -0.5, 2047.5}, {"x1", -0.5, 1023.5}};
  auto const to_sky = chain(std::make_shared<Gnomonic>(Gnomonic::Direction::PixelToSky),
                            std::make_shared<Rotate3D>(0.004, 30, 180, "native2celestial"));
  return Gwcs("", {{{"detector", GwcsFrame::Kind::Plain2D, {"x", "y"}, {"pixel", "pixel"}}, distortion},
                   {{"plane", GwcsFrame::Kind::Plain2D, {"u", "v"}, {"deg", "deg"}}, to_sky},
                   {{"world", GwcsFrame::Kind::Celestial, {"lon", "lat"}, {"deg", "deg"}}, nullptr}});
}

TEST(Gwcs, InvertsByNewtonWhereATransformHasNoInverse) {
  for (bool const with_box : {true, false}) {
    auto const wcs = make_wcs(with_box);
    for (double const x : {0.0, 511.3, 2047.0})
      for (double const y : {0.0, 700.7, 1023.0}) {
        auto const sky = wcs.pixel_to_sky({x, y});
        EXPECT_GE(sky.ra, 0);
        EXPECT_LT(sky.ra, 360);
        auto const pixel = wcs.sky_to_pixel(sky);
        EXPECT_NEAR(pixel.x, x, 1e-7);
        EXPECT_NEAR(pixel.y, y, 1e-7);
      }
  }
}

TEST(Gwcs, GivesNanWhereThereIsNoPixel) {
  auto const pixel = make_wcs(true).sky_to_pixel({180, -30});
  EXPECT_TRUE(std::isnan(pixel.x) && std::isnan(pixel.y));
}

TEST(Gwcs, TakesItsBoxFromTheFirstStep) {
  auto const box = make_wcs(true).bounding_box();
  ASSERT_TRUE(box);
  EXPECT_EQ(box->x_low, -0.5);
  EXPECT_EQ(box->x_high, 2047.5);
  EXPECT_EQ(box->y_high, 1023.5);
  EXPECT_TRUE(box->contains(2047.5, -0.5));
  EXPECT_FALSE(box->contains(2047.6, 0));
  EXPECT_FALSE(make_wcs(false).bounding_box());
}

TEST(Gwcs, EvaluatesManyPointsInPlace) {
  auto const wcs = make_wcs(true);
  std::vector<double> x(1000), y(1000);
  for (std::size_t k = 0; k < x.size(); ++k) {
    x[k] = 2.0 * static_cast<double>(k);
    y[k] = static_cast<double>(k);
  }
  auto const middle = wcs.pixel_to_sky({x[777], y[777]});
  wcs.pixel_to_sky(x, y, x, y);
  EXPECT_EQ(x[777], middle.ra);
  EXPECT_EQ(y[777], middle.dec);
}

TEST(Gwcs, NamesItsFrames) {
  auto const wcs = make_wcs(true);
  EXPECT_EQ(wcs.description(), "gwcs detector>plane>world");
  EXPECT_EQ(wcs.frame_index("plane"), 1u);
  try {
    wcs.frame_index("v2v3");
    FAIL() << "no error";
  } catch (InputError const& error) {
    EXPECT_NE(std::string(error.what()).find("detector, plane, world"), std::string::npos);
  }
}

TEST(Gwcs, RefusesTransformsThatAreNotPlane) {
  GwcsFrame const detector{"detector", GwcsFrame::Kind::Plain2D, {}, {}};
  GwcsFrame const world{"world", GwcsFrame::Kind::Celestial, {}, {}};
  EXPECT_THROW(Gwcs("", {{detector, std::make_shared<Identity>(3)}, {world, nullptr}}), InputError);
  EXPECT_THROW(Gwcs("", {{detector, nullptr}, {world, nullptr}}), InputError);
  EXPECT_THROW(Gwcs("", {{world, nullptr}}), InputError);
}

}  // namespace
}  // namespace tessera::sky
