// The joint solution has the same bits however the blocks are divided over ranks.
#include <gtest/gtest.h>

#include "support/stripe_scene.hpp"

namespace tessera::exchange {
namespace {

TEST(SolveJointStripesOnRanks, HasTheBitsOfOneRank) {
  test::StripeScene scene;
  scene.amplifiers = 2;
  scene.noise = 0.05;
  scene.outliers = 0.01;
  scene.pointings = {{12.3, 15.8, 0}, {70.1, 14.2, 1.5}, {22, 3, 0.4}, {85, 70, 3}, {3, 60, -0.7}};
  auto const made = make_scene(scene);
  test::StripeBlockList all(made.blocks);
  auto const alone = solve_joint_stripes({}, scene.exposures(), all, {});

  auto const world = parallel::Communicator::world();
  auto const [first, end] = owned_exposures(static_cast<int>(made.blocks.size()), world.rank(), world.size());
  test::StripeBlockList mine({made.blocks.begin() + first, made.blocks.begin() + end});
  auto const together = solve_joint_stripes(world, scene.exposures(), mine, {});

  EXPECT_EQ(together.iterations, alone.iterations);
  EXPECT_EQ(together.cells, alone.cells);
  EXPECT_EQ(together.clipped, alone.clipped);
  EXPECT_EQ(together.prior_amplitude, alone.prior_amplitude);
  EXPECT_EQ(together.common_curvature, alone.common_curvature);
  EXPECT_EQ(together.common_weight, alone.common_weight);
  EXPECT_EQ(together.common_exposures, alone.common_exposures);
  for (std::size_t k = 0; k < alone.sky_lines.size(); ++k)
    EXPECT_EQ(together.sky_lines[k].quotient, alone.sky_lines[k].quotient);
  for (int exposure = together.first; exposure < together.end; ++exposure) {
    auto const here = static_cast<std::size_t>(exposure - together.first), there = static_cast<std::size_t>(exposure);
    EXPECT_EQ(together.stripe[here], alone.stripe[there]);
    EXPECT_EQ(together.constraint[here], alone.constraint[there]);
  }
}

}  // namespace
}  // namespace tessera::exchange
