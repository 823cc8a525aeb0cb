#include "tessera/kernels/nearest_neighbour.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace tessera::kernels {
namespace {

TEST(FindNearest, AgreesWithTryingAll) {
  std::mt19937 random(4);
  std::vector<double> x, y;
  for (int k = 0; k < 300; ++k) {
    x.push_back(static_cast<double>(random() % 100));  // ties too
    y.push_back(static_cast<double>(random() % 100));
  }
  x[17] = NAN;
  y[40] = INFINITY;
  auto const nearest = find_nearest(x, y);
  for (std::size_t k = 0; k < x.size(); ++k) {
    double best = INFINITY;
    std::ptrdiff_t index = -1;
    for (std::size_t other = 0; other < x.size(); ++other) {
      double const distance = std::hypot(x[other] - x[k], y[other] - y[k]);
      if (other == k || !std::isfinite(distance) || distance >= best) continue;
      best = distance;
      index = static_cast<std::ptrdiff_t>(other);
    }
    EXPECT_EQ(nearest[k].index, index) << k;
    if (index >= 0) {
      EXPECT_NEAR(nearest[k].distance, best, 1e-12);
    }
  }
}

TEST(FindNearest, OfOnePointIsNone) {
  std::vector<double> const x{3}, y{4};
  EXPECT_EQ(find_nearest(x, y).front().index, -1);
  EXPECT_TRUE(std::isnan(find_nearest(x, y).front().distance));
  EXPECT_TRUE(find_nearest({}, {}).empty());
}

}  // namespace
}  // namespace tessera::kernels
