#include "tessera/model/blocks.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

namespace tessera::model {
namespace {

TEST(Intersect, IsTheCommonPartOrEmpty) {
  EXPECT_EQ(intersect({0, 0, 10, 10}, {5, 6, 20, 8}), (PixelBox{5, 6, 10, 8}));
  EXPECT_EQ(intersect({0, 0, 10, 10}, {10, 0, 20, 10}), PixelBox{});
  EXPECT_EQ(PixelBox({3, 3, 1, 5}).width(), 0);
}

TEST(BlockGrid, CutsOffTheBlocksAtTheHighEdges) {
  BlockGrid const grid{600, 300};
  EXPECT_EQ(grid.columns(), 3);
  EXPECT_EQ(grid.rows(), 2);
  EXPECT_EQ(grid.box(0), (PixelBox{0, 0, 256, 256}));
  EXPECT_EQ(grid.box(5), (PixelBox{512, 256, 600, 300}));
}

TEST(HilbertOrder, HoldsEveryBlockOnce) {
  for (auto const& [nx, ny] : {std::pair<int, int>{1, 1}, {256, 5000}, {5000, 256}, {3726, 3181}, {9000, 4100}}) {
    BlockGrid const grid{nx, ny};
    auto const order = hilbert_order(grid);
    EXPECT_EQ(static_cast<std::int64_t>(order.size()), grid.count());
    std::set<std::int64_t> const distinct(order.begin(), order.end());
    EXPECT_EQ(static_cast<std::int64_t>(distinct.size()), grid.count());
    EXPECT_EQ(*distinct.begin(), 0);
    EXPECT_EQ(*distinct.rbegin(), grid.count() - 1);
  }
}

TEST(HilbertOrder, StepsToANeighbourOnPowerOfTwoSquares) {
  for (int side : {2, 4, 8, 16, 32}) {
    BlockGrid const grid{side * BlockSize, side * BlockSize};
    auto const order = hilbert_order(grid);
    for (std::size_t k = 1; k < order.size(); ++k) {
      auto const across = std::abs(order[k] % side - order[k - 1] % side),
                 up = std::abs(order[k] / side - order[k - 1] / side);
      ASSERT_EQ(across + up, 1) << "side " << side << ", step " << k;
    }
  }
}

TEST(HilbertOrder, VisitsAQuadrantAtATime) {
  int const side = 8;
  auto const order = hilbert_order({side * BlockSize, side * BlockSize});
  for (std::size_t quarter = 0; quarter < 4; ++quarter) {
    std::set<std::pair<bool, bool>> quadrants;
    for (std::size_t k = 16 * quarter; k < 16 * (quarter + 1); ++k)
      quadrants.insert({order[k] % side < 4, order[k] / side < 4});
    EXPECT_EQ(quadrants.size(), 1U);
  }
}

}  // namespace
}  // namespace tessera::model
