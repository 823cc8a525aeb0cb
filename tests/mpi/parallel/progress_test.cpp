#include "tessera/parallel/progress.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace tessera::parallel {
namespace {

using namespace std::chrono_literals;

TEST(ProgressOverRanks, CountsTheItemsOfAllRanks) {
  auto const world = Communicator::world();
  std::vector<std::string> lines;
  std::int64_t const total = world.size() * (world.size() + 1) / 2 * 10;
  Progress progress(world, "level 1", total, {.write_line = [&](std::string const& line) { lines.push_back(line); }});
  for (int item = 0; item < 10 * (world.rank() + 1); ++item) progress.advance();
  progress.finish();
  if (world.is_root()) {
    EXPECT_EQ(progress.done(), total);
    ASSERT_FALSE(lines.empty());
    EXPECT_EQ(
        lines.back().find("level 1: " + std::to_string(total) + " of " + std::to_string(total) + " items (100 %)"), 0u);
  } else {
    EXPECT_TRUE(lines.empty());
    EXPECT_EQ(progress.done(), 10 * (world.rank() + 1));
  }
}

TEST(ProgressOverRanks, RankZeroSeesOthersAdvanceBeforeTheyFinish) {
  auto const world = Communicator::world();
  Progress progress(world, "level 2", world.size(), {.write_line = [](std::string const&) {}});
  std::this_thread::sleep_for(300ms);  // past the least time between messages
  if (!world.is_root()) progress.advance();
  auto const deadline = std::chrono::steady_clock::now() + 30s;
  while (world.is_root() && progress.done() < world.size() - 1 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(1ms);
  if (world.is_root()) {
    EXPECT_EQ(progress.done(), world.size() - 1);
  }
  progress.finish();
}

TEST(ProgressOverRanks, WritesWhileRankZeroWaitsForTheOthers) {
  auto const world = Communicator::world();
  std::vector<std::string> lines;
  Progress progress(
      world, "slow", 4 * (world.size() - 1),
      {.seconds_between_lines = 0, .write_line = [&](std::string const& line) { lines.push_back(line); }});
  if (!world.is_root())
    for (int item = 0; item < 4; ++item) {
      std::this_thread::sleep_for(300ms);
      progress.advance();
    }
  progress.finish();
  if (world.is_root() && world.size() > 1) {
    EXPECT_GE(lines.size(), 3u);
  }
}

TEST(ProgressOverRanks, AnUnfinishedOneLeavesNothingToTheNext) {
  auto const world = Communicator::world();
  for (int round = 0; round < 3; ++round) {
    {
      Progress abandoned(world, "abandoned", 100, {.write_line = [](std::string const&) {}});
      std::this_thread::sleep_for(260ms);
      abandoned.advance(50);
    }
    Progress progress(world, "next", world.size(), {.write_line = [](std::string const&) {}});
    progress.advance();
    progress.finish();
    if (world.is_root()) {
      EXPECT_EQ(progress.done(), world.size());
    }
  }
}

}  // namespace
}  // namespace tessera::parallel
