#include "tessera/parallel/pool.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "tessera/core/contract.hpp"

namespace tessera::parallel {
namespace {

double cost_of(std::vector<double> const& costs, ItemRange const& run) {
  return std::accumulate(costs.begin() + static_cast<long>(run.begin), costs.begin() + static_cast<long>(run.end), 0.0);
}

double largest_run(std::vector<double> const& costs, std::vector<ItemRange> const& runs) {
  double largest = 0;
  for (auto const& run : runs) largest = std::max(largest, cost_of(costs, run));
  return largest;
}

void expect_partition(std::vector<ItemRange> const& runs, std::size_t items, int parts) {
  ASSERT_EQ(runs.size(), static_cast<std::size_t>(parts));
  std::size_t next = 0;
  for (auto const& run : runs) {
    EXPECT_EQ(run.begin, next);
    EXPECT_LE(run.begin, run.end);
    next = run.end;
  }
  EXPECT_EQ(next, items);
}

/// Least largest run by trying every cut: the obvious recursion.
double least_by_trying(std::vector<double> const& costs, std::size_t begin, int parts) {
  if (parts == 1) return std::accumulate(costs.begin() + static_cast<long>(begin), costs.end(), 0.0);
  double best = std::numeric_limits<double>::infinity(), first = 0;
  for (std::size_t end = begin; end <= costs.size(); ++end) {
    best = std::min(best, std::max(first, least_by_trying(costs, end, parts - 1)));
    if (end < costs.size()) first += costs[end];
  }
  return best;
}

TEST(DivideInRuns, IsOptimalAgainstEveryPartitionForWholeCosts) {
  std::mt19937 random(1);
  for (int round = 0; round < 400; ++round) {
    std::vector<double> costs(random() % 10);
    for (auto& cost : costs) cost = static_cast<double>(random() % 8);
    int const parts = 1 + static_cast<int>(random() % 4);
    auto const runs = divide_in_runs(costs, parts);
    expect_partition(runs, costs.size(), parts);
    EXPECT_EQ(largest_run(costs, runs), least_by_trying(costs, 0, parts));
  }
}

TEST(DivideInRuns, IsOptimalAgainstEveryPartitionForRealCosts) {
  std::mt19937 random(2);
  for (int round = 0; round < 300; ++round) {
    std::vector<double> costs(1 + random() % 10);
    for (auto& cost : costs) cost = std::exp(std::normal_distribution(0.0, 2.0)(random));
    int const parts = 1 + static_cast<int>(random() % 5);
    auto const runs = divide_in_runs(costs, parts);
    expect_partition(runs, costs.size(), parts);
    double const least = least_by_trying(costs, 0, parts);
    EXPECT_NEAR(largest_run(costs, runs), least, 1e-14 * least * static_cast<double>(costs.size()));
  }
}

TEST(DivideInRuns, GivesEveryPartAnItemWhenThereAreEnough) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    int const parts = 1 + static_cast<int>(random() % 6);
    std::vector<double> costs(static_cast<std::size_t>(parts) + random() % 10);
    for (auto& cost : costs) cost = random() % 3 == 0 ? 0.0 : static_cast<double>(random() % 5);
    for (auto const& run : divide_in_runs(costs, parts)) EXPECT_GT(run.size(), 0u);
  }
}

TEST(DivideInRuns, SpreadsEqualItemsEvenly) {
  std::vector<double> const costs(10,
                                  0.1);  // 0.1 has no exact double: run totals must not depend on where a run starts
  auto const runs = divide_in_runs(costs, 4);
  for (auto const& run : runs) {
    EXPECT_GE(run.size(), 2u);
    EXPECT_LE(run.size(), 3u);
  }
  for (auto const& run : divide_in_runs(std::vector<double>(9, 0.1), 3)) EXPECT_EQ(run.size(), 3u);
}

TEST(DivideInRuns, CountsItemsAlikeWhenNoCostIsKnown) {
  for (auto const& run : divide_in_runs(std::vector<double>(12, 0.0), 4)) EXPECT_EQ(run.size(), 3u);
}

TEST(DivideInRuns, LeavesPartsEmptyWhenItemsAreFew) {
  auto const none = divide_in_runs({}, 3);
  expect_partition(none, 0, 3);
  std::vector<double> const two{5, 1};
  auto const runs = divide_in_runs(two, 4);
  expect_partition(runs, 2, 4);
  EXPECT_EQ(largest_run(two, runs), 5);
}

TEST(DivideInRuns, TakesHugeAndTinyCosts) {
  std::vector<double> const huge(4, 1e308), tiny(4, 5e-324);
  for (auto const& run : divide_in_runs(huge, 2)) EXPECT_EQ(run.size(), 2u);
  for (auto const& run : divide_in_runs(tiny, 2)) EXPECT_EQ(run.size(), 2u);
}

TEST(DivideInRuns, TakesMillionsOfItemsInAMoment) {
  std::mt19937 random(4);
  std::vector<double> costs(3'000'000);
  for (auto& cost : costs) cost = std::uniform_real_distribution(0.0, 1.0)(random);
  auto const start = std::chrono::steady_clock::now();
  auto const runs = divide_in_runs(costs, 1000);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  expect_partition(runs, costs.size(), 1000);
  double const mean = std::accumulate(costs.begin(), costs.end(), 0.0) / 1000;
  EXPECT_LT(largest_run(costs, runs), mean + 1);  // no cut can be off by more than an item
}

TEST(DivideInRuns, RefusesCostsThatAreNone) {
  EXPECT_THROW(divide_in_runs(std::vector{1.0, std::nan("")}, 2), ContractViolation);
  EXPECT_THROW(divide_in_runs(std::vector{1.0, -1.0}, 2), ContractViolation);
  EXPECT_THROW(divide_in_runs(std::vector{1.0}, 0), ContractViolation);
}

TEST(DivideBalanced, GivesTheLongestFirstToTheLeastLoaded) {
  EXPECT_EQ(divide_balanced(std::vector<double>{2, 7, 3, 3, 1}, 2), (std::vector{1, 0, 1, 1, 0}));
}

TEST(DivideBalanced, BreaksTiesByLowerItemAndLowerRank) {
  EXPECT_EQ(divide_balanced(std::vector<double>{1, 1, 1, 1}, 3), (std::vector{0, 1, 2, 0}));
  EXPECT_EQ(divide_balanced(std::vector<double>{0, 0, 0, 0}, 3), (std::vector{0, 1, 2, 0}));
}

TEST(DivideBalanced, StaysWithinTheBoundOfLongestFirst) {
  // Graham: longest first is at most 4/3 - 1/(3m) of the best, and the best is at least mean and largest item.
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    int const parts = 1 + static_cast<int>(random() % 5);
    std::vector<double> costs(1 + random() % 9);
    for (auto& cost : costs) cost = 1 + static_cast<double>(random() % 20);
    auto const ranks = divide_balanced(costs, parts);
    std::vector<double> loads(static_cast<std::size_t>(parts));
    for (std::size_t item = 0; item < costs.size(); ++item)
      loads.at(static_cast<std::size_t>(ranks[item])) += costs[item];
    double best = std::numeric_limits<double>::infinity();  // over all assignments
    std::vector<int> digits(costs.size());
    for (bool more = costs.size() <= 6; more;) {
      std::vector<double> trial(loads.size());
      for (std::size_t item = 0; item < costs.size(); ++item)
        trial[static_cast<std::size_t>(digits[item])] += costs[item];
      best = std::min(best, *std::max_element(trial.begin(), trial.end()));
      std::size_t place = 0;
      while (place < digits.size() && ++digits[place] == parts) digits[place++] = 0;
      more = place < digits.size();
    }
    if (costs.size() > 6) continue;
    EXPECT_LE(*std::max_element(loads.begin(), loads.end()), best * (4.0 / 3 - 1.0 / (3 * parts)) * (1 + 1e-12));
  }
}

TEST(Imbalance, IsLargestOverMean) {
  EXPECT_DOUBLE_EQ(imbalance(std::vector{1.0, 2.0, 3.0}), 1.5);
  EXPECT_DOUBLE_EQ(imbalance(std::vector{2.0, 2.0}), 1.0);
  EXPECT_DOUBLE_EQ(imbalance({}), 1.0);
  EXPECT_DOUBLE_EQ(imbalance(std::vector{0.0, 0.0}), 1.0);
}

}  // namespace
}  // namespace tessera::parallel
