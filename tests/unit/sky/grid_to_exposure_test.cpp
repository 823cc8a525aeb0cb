#include "tessera/sky/grid_to_exposure.hpp"

#include <cmath>

#include "support/distorted_exposure.hpp"
#include "support/test_files.hpp"
#include "tessera/sky/exact_inverse.hpp"
#include "tessera/sky/grid_wcs.hpp"
#include "tessera/sky/make_pixel_map.hpp"

namespace tessera::sky {
namespace {

model::SkyGrid grid_at(SkyPoint crval, double scale, double rho, std::int64_t n) {
  model::SkyGrid grid;
  grid.nx = grid.ny = n;
  grid.crpix = {0.5 * static_cast<double>(n - 1), 0.5 * static_cast<double>(n - 1)};
  grid.crval = crval;
  grid.cdelt = {-scale, scale};
  grid.pc = {{{std::cos(rho), -std::sin(rho)}, {std::sin(rho), std::cos(rho)}}};
  return grid;
}

/// A WCS whose own inverse is wrong by up to 0.3 pixels.
class WronglyInverted : public Wcs {
 public:
  explicit WronglyInverted(WcsPointer truth) : truth_(std::move(truth)) {}
  using Wcs::pixel_to_sky;
  void pixel_to_sky(std::span<double const> x, std::span<double const> y, std::span<double> ra,
                    std::span<double> dec) const override {
    truth_->pixel_to_sky(x, y, ra, dec);
  }
  void sky_to_pixel(std::span<double const> ra, std::span<double const> dec, std::span<double> x,
                    std::span<double> y) const override {
    truth_->sky_to_pixel(ra, dec, x, y);
    for (std::size_t k = 0; k < x.size(); ++k) {
      x[k] += 0.3 * std::sin(y[k] / 100);
      y[k] -= 0.3 * std::cos(x[k] / 150);
    }
  }
  std::optional<BoundingBox> bounding_box() const override { return std::nullopt; }
  std::string description() const override { return "wrongly inverted"; }

 private:
  WcsPointer truth_;
};

TEST(ExactSkyToPixel, UndoesTheForwardDirectionWhateverTheFileSays) {
  WronglyInverted const wcs(test::distorted_exposure());
  std::vector<double> x, y;
  for (double py = -200; py < 900; py += 23)
    for (double px = -200; px < 1200; px += 31) {
      x.push_back(px);
      y.push_back(py);
    }
  std::vector<double> ra(x.size()), dec(x.size()), back_x(x.size()), back_y(x.size());
  wcs.pixel_to_sky(x, y, ra, dec);
  exact_sky_to_pixel(wcs, ra, dec, back_x, back_y);
  for (std::size_t k = 0; k < x.size(); ++k) {
    ASSERT_NEAR(back_x[k], x[k], 2e-8);
    ASSERT_NEAR(back_y[k], y[k], 2e-8);
  }
}

TEST(ExactSkyToPixel, HasNoTroubleAtThePole) {
  auto const wcs = make_grid_wcs(grid_at({0, 90}, 1e-5, 0.3, 200));
  for (double const px : {99.5, 100.0, 20.25}) {
    auto const sky = wcs->pixel_to_sky(PixelPoint{px, 99.5});
    PixelPoint back;
    exact_sky_to_pixel(*wcs, {&sky.ra, 1}, {&sky.dec, 1}, {&back.x, 1}, {&back.y, 1});
    EXPECT_NEAR(back.x, px, 1e-7);
    EXPECT_NEAR(back.y, 99.5, 1e-7);
  }
}

TEST(MapGridToExposure, LeadsBackToThePixelThatThePixelMapCameFrom) {
  WronglyInverted const wcs(test::distorted_exposure());
  for (double const rho : {0.0, 0.8, -2.2}) {
    auto const grid = grid_at({359.9990, -73.2500}, 8.5e-6, rho, 1600);
    auto const to = map_grid_to_exposure(wcs, 1000, 700, grid);
    ASSERT_FALSE(to.box.empty());
    EXPECT_LE(to.map.largest_error, PixelMapTolerance);
    auto const grid_wcs = make_grid_wcs(grid);
    auto const width = static_cast<std::size_t>(to.map.nx);
    std::vector<double> X(width), Y(width);
    std::size_t inside = 0;
    for (std::int64_t y = 0; y < to.map.ny; y += 3) {
      to.map.evaluate_row(y, 0, to.map.nx, X.data(), Y.data());
      for (std::size_t x = 0; x < width; x += 3) {
        if (!(X[x] >= -0.5 && X[x] < 999.5 && Y[x] >= -0.5 && Y[x] < 699.5)) continue;
        ++inside;
        auto const there = grid_wcs->sky_to_pixel(wcs.pixel_to_sky(PixelPoint{X[x], Y[x]}));
        ASSERT_NEAR(there.x, static_cast<double>(to.box.x0) + static_cast<double>(x), 2 * PixelMapTolerance);
        ASSERT_NEAR(there.y, static_cast<double>(to.box.y0 + y), 2 * PixelMapTolerance);
      }
    }
    // all of the exposure is there: its area in grid pixels, over nine
    double const expected = 1000.0 * 700.0 * std::abs(-6.0e-6 * 6.1e-6 - 6.3e-6 * 6.2e-6) / (8.5e-6 * 8.5e-6) / 9;
    EXPECT_NEAR(static_cast<double>(inside), expected, 0.02 * expected);
  }
}

TEST(MapGridToExposure, CutsTheBoxOfTheOutlineToTheGrid) {
  auto const plane = grid_at({10, 20}, 1e-5, 0, 100);
  auto grid = plane;
  grid.nx = 300;
  grid.ny = 200;
  grid.crpix = {plane.crpix.x + 120.25, plane.crpix.y - 30.5};  // pixel (0, 0) of the exposure is (120.25, -30.5)
  auto const to = map_grid_to_exposure(*make_grid_wcs(plane), 100, 100, grid);
  // edges at 119.75 .. 219.75 and -31 .. 69: floor(119.75 + 0.5) = 120, ceil(219.75 + 0.5) = 221, ceil(69.5) = 70
  EXPECT_EQ(to.box, (model::PixelBox{120, 0, 221, 70}));
  EXPECT_EQ(to.map.nx, 101);
  EXPECT_EQ(to.map.ny, 70);
  double X = 0, Y = 0;
  to.map.evaluate_row(5, 7, 8, &X, &Y);
  EXPECT_NEAR(X, 127 - 120.25, 1e-7);
  EXPECT_NEAR(Y, 5 + 30.5, 1e-7);
}

TEST(MapGridToExposure, IsEmptyWithoutOverlap) {
  auto const exposure = test::distorted_exposure();
  EXPECT_TRUE(map_grid_to_exposure(*exposure, 1000, 700, grid_at({0.5, -73.25}, 1e-5, 0, 500)).box.empty());
  EXPECT_TRUE(map_grid_to_exposure(*exposure, 1000, 700, grid_at({180, 73}, 1e-5, 0, 500)).box.empty());
  EXPECT_TRUE(map_grid_to_exposure(*exposure, 1000, 700, grid_at({359.999, 16.9}, 1e-5, 0, 500)).box.empty());
}

TEST(MapGridToExposure, LeavesOutPatchesFarFromTheExposure) {
  auto const plane = grid_at({10, 20}, 1e-5, 0, 1000);
  auto const turned = grid_at({10, 20}, 1e-5, 0.7853981633974483, 1500);
  auto const to = map_grid_to_exposure(*make_grid_wcs(plane), 1000, 1000, turned);
  EXPECT_FALSE(to.map.patches.front().finite);
  EXPECT_TRUE(to.map.patches[to.map.patches.size() / 2].finite);
  double X = 0, Y = 0;
  to.map.evaluate_row(1, 1, 2, &X, &Y);
  EXPECT_TRUE(std::isnan(X));
}

}  // namespace
}  // namespace tessera::sky
