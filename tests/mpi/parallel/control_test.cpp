#include "tessera/parallel/control.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <thread>

namespace tessera::parallel {
namespace {

using namespace std::chrono_literals;

/// Polls until the channel says `request` or half a minute is over; the strongest it said.
StopRequest wait_for(ControlChannel& channel, StopRequest request) {
  auto const deadline = std::chrono::steady_clock::now() + 30s;
  auto seen = channel.poll();
  while (seen < request && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(1ms);
    seen = channel.poll();
  }
  return seen;
}

class Control : public testing::Test {
 protected:
  void SetUp() override { forget_signals(); }
  void TearDown() override { forget_signals(); }
  Communicator const world_ = Communicator::world();
  int const last_ = world_.size() - 1;
};

TEST_F(Control, ARequestOfAnyRankReachesAllRanks) {
  for (int raiser = 0; raiser < world_.size(); ++raiser) {
    ControlChannel channel(world_);
    EXPECT_EQ(channel.poll(), StopRequest::None);
    world_.barrier();
    if (world_.rank() == raiser) channel.raise(StopRequest::Failure);
    EXPECT_EQ(wait_for(channel, StopRequest::Failure), StopRequest::Failure) << "raised on " << raiser;
    world_.barrier();  // rank 0 passes the request on while it polls
  }
}

TEST_F(Control, ASignalOnOneRankIsSeenByAll) {
  install_signal_handlers();
  ControlChannel channel(world_);
  if (world_.rank() == last_) std::raise(SIGUSR1);
  EXPECT_EQ(wait_for(channel, StopRequest::FinishItems), StopRequest::FinishItems);
}

TEST_F(Control, TheStrongestRequestWins) {
  ControlChannel channel(world_);
  channel.raise(world_.rank() == last_ ? StopRequest::Abandon : StopRequest::FinishItems);
  EXPECT_EQ(wait_for(channel, StopRequest::Abandon), StopRequest::Abandon);
  world_.barrier();
  EXPECT_EQ(channel.poll(), StopRequest::Abandon);
}

TEST_F(Control, AgreeGivesTheSameToAllWithoutPolling) {
  ControlChannel channel(world_);
  if (world_.rank() == last_) channel.raise(StopRequest::FinishItems);
  EXPECT_EQ(channel.agree(), StopRequest::FinishItems);
  EXPECT_EQ(channel.poll(), StopRequest::FinishItems);
}

TEST_F(Control, DestructionWaitsForNobodyAndLeavesNothingToTheNextChannel) {
  for (int round = 0; round < 50; ++round) {
    {
      ControlChannel channel(world_);
      if (world_.rank() == round % world_.size()) channel.raise(StopRequest::Failure);
      // Nobody polls: the messages are never read.
    }
    ControlChannel next(world_);
    world_.barrier();
    EXPECT_EQ(next.poll(), StopRequest::None);
    world_.barrier();
  }
}

TEST_F(Control, PollIsCheap) {
  ControlChannel channel(world_);
  auto const start = std::chrono::steady_clock::now();
  for (int poll = 0; poll < 20000; ++poll) channel.poll();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 2s * world_.size());  // ranks may share a core
  world_.barrier();
}

TEST_F(Control, WorksOnPartsOfTheWorld) {
  auto const half = world_.split(world_.rank() % 2);
  ControlChannel channel(half);
  if (world_.rank() == 0) channel.raise(StopRequest::Abandon);
  if (world_.rank() % 2 == 0) {
    EXPECT_EQ(wait_for(channel, StopRequest::Abandon), StopRequest::Abandon);
  }
  world_.barrier();
  if (world_.rank() % 2 == 1) {
    EXPECT_EQ(channel.poll(), StopRequest::None);
  }
  world_.barrier();
}

}  // namespace
}  // namespace tessera::parallel
