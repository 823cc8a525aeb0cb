#include "tessera/steps/resample/mosaic_file.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "support/test_files.hpp"

namespace tessera::steps {
namespace {

/// 300 x 280 pixels: four blocks, three of them cut; 70 members, not all of them near every block.
MosaicPlan make_plan(std::filesystem::path const& folder) {
  MosaicPlan plan;
  plan.request.folder = folder;
  plan.request.product = "field";
  plan.key = "key of the plan";
  plan.grid.nx = 300;
  plan.grid.ny = 280;
  plan.order = {0, 1, 3, 2};
  plan.block_members.resize(4);
  for (int member = 0; member < 70; ++member) {
    plan.request.members.push_back(member);
    plan.block_members[0].push_back(member);                    // all 70: three planes
    if (member % 2) plan.block_members[1].push_back(member);    // 35: two planes
    if (member >= 60) plan.block_members[2].push_back(member);  // ten, in dense planes 1 and 2
  }                                                             // block 3: none
  for (auto const& members : plan.block_members) {
    plan.context_offset.push_back(plan.context_planes);
    plan.context_planes += static_cast<std::int64_t>((members.size() + 31) / 32);
  }
  return plan;
}

/// A block whose inputs reach pixels at random; dense truth in `truth` [member][y * nx + x].
kernels::DrizzledBlock drizzle_at_random(MosaicPlan const& plan, std::int64_t block, std::mt19937& random,
                                         std::vector<std::vector<bool>>& truth) {
  kernels::DrizzledBlock drizzled;
  drizzled.box = plan.grid.blocks().box(block);
  auto const count = static_cast<std::size_t>(drizzled.box.width() * drizzled.box.height());
  for (auto* plane :
       {&drizzled.sci, &drizzled.wht, &drizzled.err, &drizzled.var_rnoise, &drizzled.var_flat, &drizzled.var_poisson}) {
    plane->resize(count);
    for (auto& value : *plane) value = static_cast<float>(random() % 1000);
  }
  for (int const member : plan.block_members[static_cast<std::size_t>(block)])
    if (random() % 4) drizzled.inputs.push_back(member);  // some that might have reached the block did not
  drizzled.context.assign((drizzled.inputs.size() + 31) / 32, std::vector<std::uint32_t>(count, 0));
  for (std::size_t k = 0; k < drizzled.inputs.size(); ++k)
    for (std::size_t pixel = 0; pixel < count; ++pixel) {
      if (random() % 3) continue;
      drizzled.context[k / 32][pixel] |= 1u << (k % 32);
      auto const x = drizzled.box.x0 + static_cast<std::int64_t>(pixel) % drizzled.box.width();
      auto const y = drizzled.box.y0 + static_cast<std::int64_t>(pixel) / drizzled.box.width();
      truth[static_cast<std::size_t>(drizzled.inputs[k])][static_cast<std::size_t>(y * plan.grid.nx + x)] = true;
    }
  return drizzled;
}

TEST(MosaicFile, DenseContextOfMoreThanThirtyTwoInputsIsWhatBlocksSaid) {
  test::ScratchFolder const scratch("mosaic-file");
  auto const plan = make_plan(scratch.path());
  create_mosaic_file(plan);
  std::mt19937 random(3);
  std::vector<std::vector<bool>> truth(70, std::vector<bool>(300 * 280, false));
  std::vector<kernels::DrizzledBlock> blocks;
  {
    io::Hdf5File file(unfinished_mosaic_path(plan), io::Hdf5File::Mode::ReadWrite);
    for (std::int64_t const block : plan.order) {
      blocks.push_back(drizzle_at_random(plan, block, random, truth));
      write_block(file, plan, block, blocks.back());
    }
  }
  io::Hdf5File const file(unfinished_mosaic_path(plan), io::Hdf5File::Mode::ReadOnly);
  for (int plane = 0; plane < plan.dense_context_planes(); ++plane)
    for (std::int64_t strip = 0; strip < 2; ++strip) {
      auto const dense = read_dense_context(file, plan, strip, plane);
      std::int64_t const height = strip == 0 ? 256 : 24;
      ASSERT_EQ(dense.size(), static_cast<std::size_t>(height * 300));
      std::size_t wrong = 0;
      for (std::size_t k = 0; k < dense.size(); ++k) {
        std::uint32_t bits = 0;
        for (int bit = 0; bit < 32 && 32 * plane + bit < 70; ++bit)
          if (truth[static_cast<std::size_t>(32 * plane + bit)][static_cast<std::size_t>(strip * 256 * 300) + k])
            bits |= 1u << bit;
        wrong += bits != dense[k] ? 1 : 0;
      }
      EXPECT_EQ(wrong, 0u) << "plane " << plane << ", strip " << strip;
    }
  for (auto const& block : blocks) {
    std::vector<float> values(block.sci.size());
    file.read_box("SCI", block.box, values);
    EXPECT_EQ(values, block.sci);
    file.read_box("VAR_FLAT", block.box, values);
    EXPECT_EQ(values, block.var_flat);
    file.read_box("VAR_POISSON", block.box, values);
    EXPECT_EQ(values, block.var_poisson);
  }
  EXPECT_EQ(file.text_attribute("", "key"), plan.key);
  EXPECT_EQ(unfinished_mosaic_path(plan).filename(), "field_i2d.h5.part");
}

class Journal : public testing::Test {
 protected:
  Journal() { create_mosaic_file(plan_); }
  using Blocks = std::set<std::int64_t>;
  test::ScratchFolder scratch_{"journal"};
  MosaicPlan plan_ = make_plan(scratch_.path());
  std::filesystem::path folder_ = scratch_.path() / "field_i2d.journal";
  MosaicJournal zero_{plan_, 0}, five_{plan_, 5};
};

TEST_F(Journal, KnowsTheBlocksOfAllRanks) {
  EXPECT_EQ(zero_.finished_blocks(), Blocks{});
  zero_.restart();
  zero_.append({3, 1});
  five_.append({2});
  zero_.append({0});
  EXPECT_EQ(MosaicJournal(plan_, 9).finished_blocks(), (Blocks{0, 1, 2, 3}));
  zero_.remove();
  EXPECT_FALSE(std::filesystem::exists(folder_));
}

TEST_F(Journal, ATornLineIsNoBlockAndHurtsNoOther) {
  zero_.restart();
  zero_.append({12});
  std::ofstream(folder_ / "rank_00000", std::ios::app) << "345 do";
  EXPECT_EQ(zero_.finished_blocks(), (Blocks{12}));
  zero_.append({7});
  EXPECT_EQ(zero_.finished_blocks(), (Blocks{7, 12}));
}

TEST_F(Journal, AFileCutBeforeItsKeyTakesNewBlocksAllTheSame) {
  zero_.restart();
  std::ofstream(folder_ / "rank_00000") << "ke";
  zero_.append({4});
  EXPECT_EQ(zero_.finished_blocks(), (Blocks{4}));
}

TEST_F(Journal, BlocksOfAnotherPlanDoNotCount) {
  zero_.restart();
  zero_.append({1});
  auto other = plan_;
  other.key = "another key";
  EXPECT_EQ(MosaicJournal(other, 0).finished_blocks(), Blocks{});
  MosaicJournal(other, 1).append({2});
  EXPECT_EQ(zero_.finished_blocks(), (Blocks{1}));
}

TEST_F(Journal, WithoutTheMosaicNothingIsFinished) {
  zero_.restart();
  zero_.append({1});
  std::filesystem::remove(unfinished_mosaic_path(plan_));
  EXPECT_EQ(zero_.finished_blocks(), Blocks{});
}

}  // namespace
}  // namespace tessera::steps
