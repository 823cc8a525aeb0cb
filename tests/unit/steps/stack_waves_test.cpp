// Cutting the stack of multi_tile_destripe into what fits the memory.
#include <gtest/gtest.h>

#include <numeric>

#include "../../../src/steps/multi_tile_destripe/stack_average.hpp"

namespace tessera::steps {
namespace {

exchange::SkyPlan make_plan(int members) {
  exchange::SkyPlan plan;
  plan.grid.nx = 700;
  plan.grid.ny = 600;
  plan.order = model::hilbert_order(plan.grid.blocks());
  std::vector<int> all(static_cast<std::size_t>(members));
  std::iota(all.begin(), all.end(), 0);
  plan.block_members.assign(static_cast<std::size_t>(plan.grid.blocks().count()), all);
  return plan;
}

TEST(CutStackWaves, CoversEveryRowOfEveryBlockOnceWithinTheMemory) {
  for (int const members : {1, 7, 500})
    for (auto const method : {kernels::StackMethod::Mean, kernels::StackMethod::Median})
      for (std::int64_t const bytes : {std::int64_t{1}, std::int64_t{3000000}, std::int64_t{1} << 40}) {
        auto const plan = make_plan(members);
        std::vector<int> rows_seen(plan.order.size() * 256, 0);
        for (auto const& wave : cut_stack_waves(plan, plan.order, method, bytes)) {
          std::int64_t held = 0;
          for (auto const& band : wave) {
            auto const whole = plan.grid.blocks().box(band.block);
            EXPECT_EQ(band.box.x0, whole.x0);
            EXPECT_EQ(band.box.x1, whole.x1);
            for (auto y = band.box.y0; y < band.box.y1; ++y)
              ++rows_seen[static_cast<std::size_t>(band.block * 256 + y - whole.y0)];
            held += band.box.width() * band.box.height() * (method == kernels::StackMethod::Mean ? 16 : 4 * members);
          }
          bool const is_one_row = wave.size() == 1 && wave.front().box.height() == 1;
          EXPECT_TRUE(held <= bytes || is_one_row) << members << " " << bytes;
        }
        for (auto const block : plan.order)
          for (std::int64_t row = 0; row < 256; ++row)
            EXPECT_EQ(rows_seen[static_cast<std::size_t>(block * 256 + row)],
                      row < plan.grid.blocks().box(block).height() ? 1 : 0);
      }
}

TEST(CutStackWaves, TakesAllInOneWaveWhereThereIsRoom) {
  auto const plan = make_plan(4);
  EXPECT_EQ(cut_stack_waves(plan, plan.order, kernels::StackMethod::ClipMedian, std::int64_t{1} << 40).size(), 1u);
}

}  // namespace
}  // namespace tessera::steps
