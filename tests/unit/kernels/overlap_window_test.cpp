// The vectorised overlap areas against polygon clipping.
#include "../../../src/kernels/drizzle/overlap_window.hpp"

#include <gtest/gtest.h>

#include <numbers>
#include <random>

#include "plain_drizzle.hpp"

namespace tessera::kernels::drizzle {
namespace {

/// A random drop: rotated, sheared, perhaps mirrored, somewhere in the window's lower-left cell and beyond.
test::Polygon make_drop(std::mt19937_64& random, double size, bool along_axes) {
  std::uniform_real_distribution<double> unit(0, 1);
  double const angle =
      along_axes ? std::floor(unit(random) * 4) * std::numbers::pi / 2 : unit(random) * 2 * std::numbers::pi;
  double const shear = along_axes ? 0 : 0.4 * (unit(random) - 0.5), mirror = unit(random) < 0.5 ? -1 : 1;
  test::Polygon drop;
  for (auto const& [u, v] : {std::array{-0.5, 0.5}, {0.5, 0.5}, {0.5, -0.5}, {-0.5, -0.5}}) {
    double const x = size * mirror * (u + shear * v), y = size * v;
    drop.push_back({std::cos(angle) * x - std::sin(angle) * y, std::sin(angle) * x + std::cos(angle) * y});
  }
  double low[2] = {0, 0};
  for (auto const& corner : drop)
    for (std::size_t axis = 0; axis < 2; ++axis) low[axis] = std::min(low[axis], corner[axis]);
  double const shift[2] = {unit(random), unit(random)};
  for (auto& corner : drop)
    for (std::size_t axis = 0; axis < 2; ++axis) corner[axis] += shift[axis] - low[axis];
  return drop;
}

template <int Columns, int Rows>
void compare_with_clipping(double size, bool along_axes) {
  std::mt19937_64 random(static_cast<unsigned>(Columns * 1000 + Rows * 10 + along_axes));
  int compared = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    std::array<test::Polygon, LaneCount> drops;
    QuadLanes quad;
    Lanes scale{};
    for (int lane = 0; lane < LaneCount; ++lane) {
      auto& drop = drops[static_cast<std::size_t>(lane)];
      do drop = make_drop(random, size, along_axes);
      while (!std::all_of(drop.begin(), drop.end(), [](auto const& p) { return p[0] <= Columns && p[1] <= Rows; }));
      scale[lane] = 0.5 / test::area(drop);
      for (std::size_t k = 0; k < 4; ++k) {
        auto const &a = drop[k], &b = drop[(k + 1) % 4];
        double const dx = b[0] - a[0], dy = b[1] - a[1];
        quad.x[k][lane] = a[0];
        quad.y[k][lane] = a[1];
        quad.slope[k][lane] = dx != 0 && dy != 0 ? dy / dx : 0;
        quad.inverse[k][lane] = dx != 0 && dy != 0 ? dx / dy : 0;
      }
    }
    Lanes shares[Rows][Columns];
    find_overlaps<Columns, Rows>(quad, scale, Lanes{} + 1e-14, shares);
    for (int lane = 0; lane < LaneCount; ++lane) {
      auto const& drop = drops[static_cast<std::size_t>(lane)];
      double sum = 0;
      for (int row = 0; row < Rows; ++row)
        for (int column = 0; column < Columns; ++column) {
          double const expected = test::overlap(drop, column + 0.5, row + 0.5) / test::area(drop);
          ASSERT_NEAR(shares[row][column][lane], expected, 1e-12)
              << "trial " << trial << " column " << column << " row " << row;
          sum += shares[row][column][lane];
          ++compared;
        }
      ASSERT_NEAR(sum, 1.0, 1e-12);
    }
  }
  EXPECT_EQ(compared, 2000 * LaneCount * Rows * Columns);
}

TEST(FindOverlaps, AgreesWithPolygonClippingForDropsSmallerThanAPixel) { compare_with_clipping<2, 2>(0.3, false); }
TEST(FindOverlaps, AgreesWithPolygonClippingForDropsOfOnePixel) { compare_with_clipping<3, 3>(1.0, false); }
TEST(FindOverlaps, AgreesWithPolygonClippingInFlatWindows) { compare_with_clipping<3, 2>(0.7, false); }
TEST(FindOverlaps, AgreesWithPolygonClippingInUprightWindows) { compare_with_clipping<2, 3>(0.7, false); }
TEST(FindOverlaps, AgreesWithPolygonClippingForDropsOfTwoPixels) { compare_with_clipping<4, 4>(1.7, false); }
TEST(FindOverlaps, AgreesWithPolygonClippingForDropsOfThreePixels) { compare_with_clipping<6, 6>(3.0, false); }
TEST(FindOverlaps, AgreesWithPolygonClippingForTheLargestWindow) { compare_with_clipping<8, 8>(4.5, false); }
TEST(FindOverlaps, AgreesWithPolygonClippingAlongTheAxes) {
  compare_with_clipping<2, 2>(0.8, true);
  compare_with_clipping<3, 3>(1.5, true);
}

TEST(FindOverlaps, LosesNoAccuracyWhereEdgesAreNearlyAlongTheAxes) {
  for (double const tilt : {1e-3, 1e-6, 1e-9, 1e-12, 1e-15, -1e-6, -1e-12}) {
    test::Polygon const drop{{0.3, 1.3}, {1.3, 1.3 + tilt}, {1.3 + tilt, 0.3}, {0.3 + tilt, 0.3 - tilt}};
    QuadLanes quad;
    for (std::size_t k = 0; k < 4; ++k) {
      auto const &a = drop[k], &b = drop[(k + 1) % 4];
      double const dx = b[0] - a[0], dy = b[1] - a[1];
      quad.x[k] = Lanes{} + a[0];
      quad.y[k] = Lanes{} + a[1];
      quad.slope[k] = Lanes{} + (dx != 0 && dy != 0 ? dy / dx : 0);
      quad.inverse[k] = Lanes{} + (dx != 0 && dy != 0 ? dx / dy : 0);
    }
    Lanes shares[2][2];
    find_overlaps<2, 2>(quad, Lanes{} + 0.5 / test::area(drop), Lanes{} + 1e-14, shares);
    for (int row = 0; row < 2; ++row)
      for (int column = 0; column < 2; ++column)
        EXPECT_NEAR(shares[row][column][0], test::overlap(drop, column + 0.5, row + 0.5) / test::area(drop), 1e-14)
            << "tilt " << tilt << " column " << column << " row " << row;
  }
}

}  // namespace
}  // namespace tessera::kernels::drizzle
