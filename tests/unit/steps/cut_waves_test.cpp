#include <gtest/gtest.h>

#include <numeric>

#include "tessera/steps/resample/resample_memory.hpp"

namespace tessera::steps {
namespace {

/// A plan of `blocks` blocks; every `every`-th is reached by `depth` exposures.
MosaicPlan plan_of(std::size_t blocks, std::size_t every, std::size_t depth) {
  MosaicPlan plan;
  plan.block_members.resize(blocks);
  for (std::size_t k = 0; k < blocks; k += every) {
    plan.block_members[k].resize(depth);
    std::iota(plan.block_members[k].begin(), plan.block_members[k].end(), 0);
  }
  return plan;
}

std::vector<std::int64_t> all_blocks(MosaicPlan const& plan) {
  std::vector<std::int64_t> blocks(plan.block_members.size());
  std::iota(blocks.begin(), blocks.end(), std::int64_t{0});
  return blocks;
}

ResampleMemory room_for(std::int64_t blocks) {
  ResampleMemory memory;
  memory.blocks = blocks;
  return memory;
}

/// Waves follow each other without gaps, and hold the reached blocks in order.
void expect_complete(std::vector<BlockWave> const& waves, MosaicPlan const& plan,
                     std::vector<std::int64_t> const& blocks) {
  std::size_t next = 0;
  for (auto const& wave : waves) {
    EXPECT_EQ(wave.begin, next);
    EXPECT_LT(wave.begin, wave.end);
    std::vector<std::int64_t> reached;
    for (std::size_t k = wave.begin; k < wave.end; ++k)
      if (!plan.block_members[static_cast<std::size_t>(blocks[k])].empty()) reached.push_back(blocks[k]);
    EXPECT_EQ(wave.reached, reached);
    next = wave.end;
  }
  EXPECT_EQ(next, blocks.size());
}

TEST(CutWaves, NeverHoldsMoreReachedBlocksThanFit) {
  auto const plan = plan_of(100, 1, 3);
  auto const blocks = all_blocks(plan);
  for (std::int64_t const room : {1, 7, 50, 99, 100}) {
    auto const waves = cut_waves(plan, blocks, room_for(room));
    expect_complete(waves, plan, blocks);
    EXPECT_EQ(static_cast<std::int64_t>(waves.size()), (100 + room - 1) / room);
    for (auto const& wave : waves) EXPECT_LE(static_cast<std::int64_t>(wave.reached.size()), room);
  }
}

TEST(CutWaves, GivesBlocksThatNothingReachesNoRoom) {
  auto const plan = plan_of(1000, 10, 3);
  auto const blocks = all_blocks(plan);
  auto const waves = cut_waves(plan, blocks, room_for(100));
  expect_complete(waves, plan, blocks);
  EXPECT_EQ(waves.size(), 1u);
}

TEST(CutWaves, CutsMuchWorkIntoEighthsWhateverTheMemory) {
  auto const plan = plan_of(4000, 1, 100);
  auto const blocks = all_blocks(plan);
  auto const waves = cut_waves(plan, blocks, room_for(1 << 20));
  expect_complete(waves, plan, blocks);
  EXPECT_EQ(waves.size(), 8u);
}

TEST(CutWaves, DoesNotCutLittleWorkThatFits) {
  auto const plan = plan_of(700, 1, 5);  // 3500 visits: half a minute
  EXPECT_EQ(cut_waves(plan, all_blocks(plan), room_for(1 << 20)).size(), 1u);
}

TEST(CutWaves, ManagesWithoutBlocksAndWithoutReachedBlocks) {
  auto plan = plan_of(5, 1, 1);
  EXPECT_TRUE(cut_waves(plan, {}, room_for(3)).empty());
  for (auto& members : plan.block_members) members.clear();
  auto const blocks = all_blocks(plan);
  auto const waves = cut_waves(plan, blocks, room_for(1));
  expect_complete(waves, plan, blocks);
  EXPECT_EQ(waves.size(), 1u);
}

}  // namespace
}  // namespace tessera::steps
