#include "tessera/sky/count_islands.hpp"

#include <gtest/gtest.h>

namespace tessera::sky {
namespace {

model::SkyPolygon square(double ra, double dec, double side) {
  double const h = side / 2;
  return {{ra - h, dec - h}, {ra + h, dec - h}, {ra + h, dec + h}, {ra - h, dec + h}};
}

TEST(CountIslands, JoinsThroughNeighbours) {
  EXPECT_EQ(count_islands({square(10, 0, 1), square(10.8, 0, 1), square(11.6, 0, 1)}), 1);
}

TEST(CountIslands, CountsWhatDoesNotTouch) {
  EXPECT_EQ(count_islands({square(10, 0, 1), square(12, 0, 1), square(10.5, 0.5, 1), square(200, 60, 1)}), 3);
  EXPECT_EQ(count_islands({}), 0);
}

TEST(CountIslands, LooksCloserThanTheCircles) {
  // The circles of these two squares cut each other at the corner, the squares do not.
  EXPECT_EQ(count_islands({square(10, 0, 1), square(11.05, 1.05, 1)}), 2);
}

TEST(CountIslands, WrapsAtRaZero) { EXPECT_EQ(count_islands({square(359.8, 10, 1), square(0.3, 10, 1)}), 1); }

}  // namespace
}  // namespace tessera::sky
