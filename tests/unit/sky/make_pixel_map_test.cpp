#include "tessera/sky/make_pixel_map.hpp"

#include <cmath>
#include <functional>
#include <random>

#include "support/distorted_exposure.hpp"
#include "support/test_files.hpp"
#include "tessera/sky/grid_wcs.hpp"

namespace tessera::sky {
namespace {

using model::PixelBox;
using model::PixelMap;

model::SkyGrid grid_at(SkyPoint crval, double scale, double rho, std::int64_t n) {
  model::SkyGrid grid;
  grid.nx = grid.ny = n;
  grid.crpix = {0.5 * static_cast<double>(n - 1), 0.5 * static_cast<double>(n - 1)};
  grid.crval = crval;
  grid.cdelt = {scale, scale};
  grid.pc = {{{-std::cos(rho), std::sin(rho)}, {std::sin(rho), std::cos(rho)}}};
  return grid;
}

/// A WCS made of a function of pixels, then a tangent plane.
class FunctionWcs : public Wcs {
 public:
  FunctionWcs(std::function<PixelPoint(PixelPoint)> warp, model::SkyGrid const& plane, std::optional<BoundingBox> box)
      : warp_(std::move(warp)), plane_(make_grid_wcs(plane)), box_(box) {}
  using Wcs::pixel_to_sky;
  void pixel_to_sky(std::span<double const> x, std::span<double const> y, std::span<double> ra,
                    std::span<double> dec) const override {
    for (std::size_t k = 0; k < x.size(); ++k) {
      auto const sky = plane_->pixel_to_sky(warp_({x[k], y[k]}));
      ra[k] = sky.ra;
      dec[k] = sky.dec;
    }
  }
  void sky_to_pixel(std::span<double const>, std::span<double const>, std::span<double>,
                    std::span<double>) const override {
    FAIL() << "a pixel map needs no inverse";
  }
  std::optional<BoundingBox> bounding_box() const override { return box_; }
  std::string description() const override { return "function"; }

 private:
  std::function<PixelPoint(PixelPoint)> warp_;
  WcsPointer plane_;
  std::optional<BoundingBox> box_;
};

/// Largest distance between the map and the exact WCS over pixels of its valid box; every pixel must have a position.
double largest_difference(PixelMap const& map, Wcs const& exposure, model::SkyGrid const& grid, int step) {
  auto const output = make_grid_wcs(grid);
  double largest = 0;
  auto const width = static_cast<std::size_t>(map.valid.width());
  std::vector<double> X(width), Y(width);
  for (std::int64_t y = map.valid.y0; y < map.valid.y1; y += step) {
    map.evaluate_row(y, map.valid.x0, map.valid.x1, X.data(), Y.data());
    for (std::size_t k = 0; k < width; k += static_cast<std::size_t>(step)) {
      PixelPoint const p{static_cast<double>(map.valid.x0) + static_cast<double>(k), static_cast<double>(y)};
      auto const exact = output->sky_to_pixel(exposure.pixel_to_sky(p));
      double const d = std::hypot(X[k] - exact.x, Y[k] - exact.y);
      largest = std::max(largest, std::isfinite(d) ? d : 1e300);
    }
  }
  return largest;
}

TEST(MakePixelMap, AgreesWithTheWcsToItsTolerance) {
  auto const exposure = test::distorted_exposure();
  for (double rho : {0.0, 1.1, -2.5}) {
    auto const grid = grid_at({0.001, -73.2501}, 1.2e-5, rho, 3000);
    auto const map = make_pixel_map(*exposure, 1000, 700, grid);
    EXPECT_EQ(map.valid, (PixelBox{0, 0, 1000, 700}));
    EXPECT_LE(map.largest_error, PixelMapTolerance);
    EXPECT_LE(largest_difference(map, *exposure, grid, 3), PixelMapTolerance);
  }
}

TEST(MakePixelMap, RaisesTheDegreeWhereTheMapIsCurved) {
  auto const plane = grid_at({10, 20}, 1e-5, 0, 1000);
  FunctionWcs const wavy(
      [](PixelPoint p) {
        return PixelPoint{p.x + 3 * std::sin(p.y / 30), p.y + 2 * std::cos(p.x / 40)};
      },
      plane, {});
  auto const map = make_pixel_map(wavy, 500, 300, plane);
  EXPECT_GT(map.patches[0].degree, 4);
  EXPECT_LE(map.largest_error, PixelMapTolerance);
  EXPECT_LE(largest_difference(map, wavy, plane, 1), 2 * PixelMapTolerance);
}

TEST(MakePixelMap, SaysHowGoodTheBestFitIs) {
  auto const plane = grid_at({10, 20}, 1e-5, 0, 1000);
  FunctionWcs const wild([](PixelPoint p) { return PixelPoint{p.x + 0.3 * std::sin(p.x / 2), p.y}; }, plane, {});
  auto const map = make_pixel_map(wild, 256, 256, plane);
  EXPECT_GT(map.largest_error, 0.01);
  EXPECT_TRUE(map.patches[3].finite);
}

TEST(MakePixelMap, IsValidWhereTheReferenceSaysAtTheEndsOfTheBox) {
  auto const plane = grid_at({10, 20}, 1e-5, 0, 1000);
  auto const same = [](PixelPoint p) { return p; };
  auto const valid = [&](BoundingBox const& box) {
    return make_pixel_map(FunctionWcs(same, plane, box), 300, 200, plane).valid;
  };
  EXPECT_EQ(valid({-0.5, 299.5, -0.5, 199.5}), (PixelBox{0, 0, 300, 200}));
  EXPECT_EQ(valid({3.5, 290.5, -0.5, 1000}), (PixelBox{4, 0, 291, 200}));
  EXPECT_EQ(valid({3.4, 290.4, 10, 20}), (PixelBox{4, 10, 291, 21}));
  EXPECT_TRUE(valid({400, 500, 0, 100}).empty());
}

TEST(MakePixelMap, DoesWithoutWhatLiesOutsideTheArray) {
  // no sky at all beyond 12 pixels outside the array, which leaves 44 of 128 pixels to the last patches
  auto const plane = grid_at({10, 20}, 1e-5, 0.4, 1000);
  auto const bend = [](PixelPoint p) {
    bool const inside = p.x > -12 && p.x < 312 && p.y > -12 && p.y < 182;
    return inside ? PixelPoint{p.x + 1e-5 * p.x * p.y, p.y + 1e-8 * p.x * p.x * p.x} : PixelPoint{std::nan(""), 0};
  };
  FunctionWcs const exposure(bend, plane, {});
  auto const map = make_pixel_map(exposure, 300, 170, plane);
  EXPECT_LE(map.largest_error, PixelMapTolerance);
  EXPECT_LE(largest_difference(map, exposure, plane, 1), 2 * PixelMapTolerance);
}

TEST(MakePixelMap, HasNoPositionsForAnExposureOnTheOtherSideOfTheSky) {
  auto const exposure = test::distorted_exposure();
  auto const map = make_pixel_map(*exposure, 1000, 700, grid_at({180, 73}, 1e-5, 0, 100));
  for (auto const& patch : map.patches) EXPECT_FALSE(patch.finite);
  EXPECT_TRUE(find_input_box(map, {0, 0, 100, 100}, 5).empty());
}

/// The box found by looking at every pixel.
PixelBox by_brute_force(PixelMap const& map, PixelBox const& target, double margin) {
  PixelBox box{map.nx, map.ny, 0, 0};
  std::vector<double> X(static_cast<std::size_t>(map.nx)), Y(X.size());
  for (std::int64_t y = 0; y < map.ny; ++y) {
    map.evaluate_row(y, 0, map.nx, X.data(), Y.data());
    for (std::int64_t x = 0; x < map.nx; ++x) {
      double const a = X[static_cast<std::size_t>(x)], b = Y[static_cast<std::size_t>(x)];
      if (a >= static_cast<double>(target.x0) - 0.5 - margin && a <= static_cast<double>(target.x1) - 0.5 + margin &&
          b >= static_cast<double>(target.y0) - 0.5 - margin && b <= static_cast<double>(target.y1) - 0.5 + margin)
        box = {std::min(box.x0, x), std::min(box.y0, y), std::max(box.x1, x + 1), std::max(box.y1, y + 1)};
    }
  }
  return box.empty() ? PixelBox{} : box;
}

TEST(FindInputBox, HoldsEveryPixelThatReachesTheTargetAndLittleElse) {
  std::mt19937_64 random(11);
  std::uniform_real_distribution<double> uniform(0, 1);
  auto const exposure = test::distorted_exposure();
  int found = 0;
  for (int trial = 0; trial < 60; ++trial) {
    double const scale = 0.5e-5 + 2e-5 * uniform(random);
    auto const grid = grid_at({359.99 + 0.02 * uniform(random), -73.252 + 0.004 * uniform(random)}, scale,
                              6.3 * uniform(random), 3000);
    auto const map = make_pixel_map(*exposure, 1000, 700, grid);
    // around the image of a pixel somewhere in the exposure or a little outside
    auto const at = make_grid_wcs(grid)->sky_to_pixel(
        exposure->pixel_to_sky(PixelPoint{1200 * uniform(random) - 100, 900 * uniform(random) - 100}));
    auto const corner_x = static_cast<std::int64_t>(at.x), corner_y = static_cast<std::int64_t>(at.y);
    PixelBox const target{corner_x, corner_y, corner_x + 1 + static_cast<std::int64_t>(300 * uniform(random)),
                          corner_y + 1 + static_cast<std::int64_t>(300 * uniform(random))};
    double const margin = 3 * uniform(random);
    auto const box = find_input_box(map, target, margin), exact = by_brute_force(map, target, margin);
    if (exact.empty()) {
      EXPECT_LE(box.width() * box.height(), 16) << trial;
      continue;
    }
    ++found;
    EXPECT_LE(box.x0, exact.x0) << trial;
    EXPECT_LE(box.y0, exact.y0) << trial;
    EXPECT_GE(box.x1, exact.x1) << trial;
    EXPECT_GE(box.y1, exact.y1) << trial;
    EXPECT_LE(exact.x0 - box.x0, 4) << trial;
    EXPECT_LE(exact.y0 - box.y0, 4) << trial;
    EXPECT_LE(box.x1 - exact.x1, 4) << trial;
    EXPECT_LE(box.y1 - exact.y1, 4) << trial;
  }
  EXPECT_GT(found, 40);
}

TEST(LargestMagnification, IsAtLeastEveryStepOfTheMapAndNotMuchMore) {
  auto const wcs = test::distorted_exposure();
  auto const map = make_pixel_map(*wcs, 1000, 700, grid_at({359.999, -73.25}, 6e-6, 0.3, 2000));
  double const said = largest_magnification(map);
  double largest = 0;
  std::vector<double> X[2], Y[2];
  for (auto& row : X) row.resize(1000);
  for (auto& row : Y) row.resize(1000);
  for (std::int64_t y = 0; y + 1 < 700; ++y) {
    map.evaluate_row(y, 0, 1000, X[0].data(), Y[0].data());
    map.evaluate_row(y + 1, 0, 1000, X[1].data(), Y[1].data());
    for (std::size_t x = 0; x + 1 < 1000; ++x) {
      largest = std::max(largest, std::hypot(X[0][x + 1] - X[0][x], Y[0][x + 1] - Y[0][x]));
      largest = std::max(largest, std::hypot(X[1][x] - X[0][x], Y[1][x] - Y[0][x]));
    }
  }
  EXPECT_GE(said, largest);
  EXPECT_LE(said, 1.15 * largest);
}

TEST(FindInputBox, IsTheWholeExposureForATargetThatHoldsIt) {
  auto const map = make_pixel_map(*test::distorted_exposure(), 1000, 700, grid_at({0.0, -73.25}, 2e-5, 0.3, 3000));
  EXPECT_EQ(find_input_box(map, {0, 0, 3000, 3000}, 0), (PixelBox{0, 0, 1000, 700}));
  EXPECT_TRUE(find_input_box(map, {0, 0, 0, 0}, 10).empty());
}

}  // namespace
}  // namespace tessera::sky
