// One rank alone: everything works without MPI messages.
#include <gtest/gtest.h>
#include <mpi.h>

#include <csignal>
#include <numeric>

#include "tessera/core/contract.hpp"
#include "tessera/parallel/communicator.hpp"
#include "tessera/parallel/control.hpp"
#include "tessera/parallel/memory_budget.hpp"
#include "tessera/parallel/node_memory.hpp"
#include "tessera/parallel/progress.hpp"

namespace tessera::parallel {
namespace {

TEST(CommunicatorAlone, IsRankZeroOfOneAndGivesBackWhatItGets) {
  Communicator const alone;
  EXPECT_EQ(alone.rank(), 0);
  EXPECT_EQ(alone.size(), 1);
  EXPECT_TRUE(alone.is_root());
  alone.barrier();
  EXPECT_EQ(alone.broadcast(std::string("text")), "text");
  EXPECT_EQ(alone.all_gather(std::string("text")), std::vector<std::string>{"text"});
  std::vector<double> const values{1, 2, 3};
  EXPECT_EQ(alone.all_gather_values(std::span<double const>(values)), values);
  EXPECT_EQ(alone.sum(7), 7);
  EXPECT_EQ(alone.max(std::int64_t{-7}), -7);
  EXPECT_EQ(alone.max(-2.5), -2.5);
  EXPECT_EQ(alone.min(-2.5), -2.5);
  EXPECT_EQ(alone.split(3).size(), 1);
  EXPECT_EQ(alone.split(-1).size(), 1);
  std::vector<std::vector<std::byte>> const parts{{std::byte{1}}};
  EXPECT_EQ(alone.all_to_all(parts), parts);
  EXPECT_EQ(alone.gather(parts[0]), parts);
}

TEST(CommunicatorAlone, IsMpiCommSelfForLibraries) {
  Communicator const alone;
  int result = MPI_UNEQUAL;
  MPI_Comm_compare(*static_cast<MPI_Comm const*>(alone.native()), MPI_COMM_SELF, &result);
  EXPECT_EQ(result, MPI_IDENT);
}

TEST(CommunicatorAlone, RefusesThePartsOfOtherRanks) { EXPECT_THROW(Communicator().all_to_all({}), ContractViolation); }

TEST(DefaultMemoryPerRank, LeavesATenthToTheSystem) {
  auto const share = default_memory_per_rank(Communicator());
  EXPECT_GT(share, 0);
  EXPECT_NEAR(static_cast<double>(share), 0.9 * static_cast<double>(node_memory_bytes()),
              0.2 * static_cast<double>(share));
}

class ControlAlone : public testing::Test {
 protected:
  void SetUp() override { forget_signals(); }
  void TearDown() override { forget_signals(); }
};

TEST_F(ControlAlone, HasNoRequestAtFirstAndKeepsTheStrongest) {
  ControlChannel channel{Communicator()};
  EXPECT_EQ(channel.poll(), StopRequest::None);
  channel.raise(StopRequest::Abandon);
  channel.raise(StopRequest::FinishItems);
  EXPECT_EQ(channel.poll(), StopRequest::Abandon);
  channel.raise(StopRequest::Failure);
  EXPECT_EQ(channel.agree(), StopRequest::Failure);
}

TEST_F(ControlAlone, TurnsSignalsIntoRequests) {
  install_signal_handlers();
  ControlChannel channel{Communicator()};
  std::raise(SIGUSR1);
  EXPECT_EQ(channel.poll(), StopRequest::FinishItems);
  std::raise(SIGTERM);
  std::raise(SIGUSR1);
  EXPECT_EQ(channel.poll(), StopRequest::Abandon);
  forget_signals();
  EXPECT_EQ(ControlChannel{Communicator()}.poll(), StopRequest::None);
  std::raise(SIGINT);
  EXPECT_EQ(signal_request(), StopRequest::Abandon);
}

class ProgressAlone : public testing::Test {
 protected:
  ProgressOptions options() {
    return {.clock = [this] { return now_; },
            .write_line = [this](std::string const& line) { lines_.push_back(line); }};
  }
  double now_ = 100;
  std::vector<std::string> lines_;
};

TEST_F(ProgressAlone, WritesALineEveryTenthAndALastOne) {
  Progress progress(Communicator(), "calibrate", 200, options());
  for (int item = 0; item < 200; ++item) {
    now_ += 10;
    progress.advance();
  }
  EXPECT_EQ(progress.done(), 200);
  ASSERT_EQ(lines_.size(), 10u);
  EXPECT_EQ(lines_[0], "calibrate: 20 of 200 items (10 %), 30 min 0 s left");  // 200 s for 20: 1800 s for 180
  progress.finish();
  ASSERT_EQ(lines_.size(), 11u);
  EXPECT_EQ(lines_.back(), "calibrate: 200 of 200 items (100 %), 33 min 20 s");
}

TEST_F(ProgressAlone, WritesNoLineWithinFiveSecondsOfTheLast) {
  Progress progress(Communicator(), "flag", 1000, options());
  for (int item = 0; item < 1000; ++item) {
    now_ += 0.01;  // 10 s in all
    progress.advance();
  }
  EXPECT_LE(lines_.size(), 2u);
  EXPECT_GE(lines_.size(), 1u);
}

TEST_F(ProgressAlone, TakesAStepWithoutItems) {
  Progress progress(Communicator(), "align", 0, options());
  progress.finish();
  EXPECT_EQ(lines_, std::vector<std::string>{"align: 0 of 0 items (100 %), 0 s"});
}

TEST(ProgressText, HasNoTimeLeftBeforeTheFirstItem) { EXPECT_EQ(progress_text("x", 0, 8, 5), "x: 0 of 8 items (0 %)"); }

TEST(FormatDuration, TakesTheTwoLargestUnits) {
  EXPECT_EQ(format_duration(5.4), "5 s");
  EXPECT_EQ(format_duration(59.7), "1 min 0 s");
  EXPECT_EQ(format_duration(130), "2 min 10 s");
  EXPECT_EQ(format_duration(7380), "2 h 3 min");
  EXPECT_EQ(format_duration(-1), "0 s");
}

}  // namespace
}  // namespace tessera::parallel
