#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tessera/parallel/control.hpp"

namespace tessera::parallel {
namespace {

using testing::HasSubstr;

TEST(AgreeOnFailures, GivesAllFailuresInRankOrderToAllRanks) {
  auto const world = Communicator::world();
  std::vector<Failure> mine;
  for (int failure = 0; failure < world.rank() % 3; ++failure)
    mine.push_back(
        {"item " + std::to_string(failure), "lost\nits " + std::string(1, '\0') + "header", 5 + failure, -1});
  auto const all = agree_on_failures(world, mine);
  std::size_t next = 0;
  for (int rank = 0; rank < world.size(); ++rank)
    for (int failure = 0; failure < rank % 3; ++failure, ++next) {
      ASSERT_LT(next, all.size());
      EXPECT_EQ(all[next].item, "item " + std::to_string(failure));
      EXPECT_EQ(all[next].message, "lost\nits " + std::string(1, '\0') + "header");
      EXPECT_EQ(all[next].status, 5 + failure);
      EXPECT_EQ(all[next].rank, rank);
    }
  EXPECT_EQ(all.size(), next);
}

TEST(AllOrNone, GoesOnWhenNoRankThrows) {
  auto const world = Communicator::world();
  int calls = 0;
  all_or_none(world, [&] { ++calls; });
  EXPECT_EQ(calls, 1);
}

TEST(AllOrNone, ThrowsTheErrorOfTheRankThatThrewOnAllRanks) {
  auto const world = Communicator::world();
  for (int thrower = 0; thrower < world.size(); ++thrower) try {
      all_or_none(world, [&] {
        if (world.rank() == thrower)
          throw IoError({"disk full", "/scratch/a.h5", "10 GB", "rank " + std::to_string(thrower), "clean up"});
      });
      ADD_FAILURE() << "did not throw";
    } catch (IoError const& error) {
      EXPECT_EQ(error.status(), ExitStatus::InputOutput);
      EXPECT_EQ(error.problem().what, "disk full");
      EXPECT_EQ(error.problem().where, "/scratch/a.h5");
      EXPECT_EQ(error.problem().expected, "10 GB");
      EXPECT_EQ(error.problem().found, "rank " + std::to_string(thrower));
      EXPECT_EQ(error.problem().remedy, "clean up");
    }
}

TEST(AllOrNone, ThrowsTheErrorOfTheLowestOfSeveralRanks) {
  auto const world = Communicator::world();
  auto const lowest = std::min(1, world.size() - 1);
  try {
    all_or_none(world, [&] {
      if (world.rank() > lowest) throw InputError({.what = "later"});
      if (world.rank() == lowest) throw ConfigError({.what = "first"});
    });
    ADD_FAILURE() << "did not throw";
  } catch (ConfigError const& error) {
    EXPECT_EQ(error.problem().what, "first");
  }
}

TEST(AllOrNone, KeepsTheKindOfError) {
  auto const world = Communicator::world();
  auto const throw_on_last = [&](auto const& error) {
    all_or_none(world, [&] {
      if (world.rank() == world.size() - 1) throw error;
    });
  };
  EXPECT_THROW(throw_on_last(ConfigError({.what = "x"})), ConfigError);
  EXPECT_THROW(throw_on_last(InputError({.what = "x"})), InputError);
  EXPECT_THROW(throw_on_last(BudgetError({.what = "x"})), BudgetError);
  EXPECT_THROW(throw_on_last(Error(ExitStatus::Incomplete, {.what = "x"})), Error);
}

TEST(AllOrNone, TellsABugFromAnError) {
  auto const world = Communicator::world();
  try {
    all_or_none(world, [&] {
      if (world.rank() == world.size() - 1) throw std::logic_error("index 7 of 5");
    });
    ADD_FAILURE() << "did not throw";
  } catch (Error const& error) {
    EXPECT_EQ(error.status(), ExitStatus::InternalError);
    EXPECT_THAT(error.what(), HasSubstr("index 7 of 5"));
  }
  EXPECT_THROW(all_or_none(world, [] { throw 7; }), Error);
}

}  // namespace
}  // namespace tessera::parallel
