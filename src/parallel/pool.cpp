#include "tessera/parallel/pool.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <queue>
#include <utility>

#include "tessera/core/contract.hpp"

namespace tessera::parallel {

namespace {

bool are_costs(std::span<double const> costs) {
  return std::all_of(costs.begin(), costs.end(), [](double cost) { return std::isfinite(cost) && cost >= 0; });
}

/// Costs as integers whose sum is near 2^60, summed up from the left: entry i is the cost of items [0, i).
///
/// Run totals are then exact differences, so that two runs of equal items are equal whatever stands before them. The
/// scale is a power of two: costs that are whole numbers (or halves, ...) stay exact, others are rounded to 2^-60 of
/// the total, far below what a sum of doubles would lose.
std::vector<std::int64_t> sum_up(std::span<double const> costs) {
  std::vector<std::int64_t> sums(costs.size() + 1, 0);
  double const largest = costs.empty() ? 0 : *std::max_element(costs.begin(), costs.end());
  if (largest == 0) {  // nothing is known: items count alike
    std::iota(sums.begin(), sums.end(), std::int64_t{0});
    return sums;
  }
  int largest_exponent = 0, total_exponent = 0;
  std::frexp(largest, &largest_exponent);
  double total = 0;  // in units near the largest cost: no overflow
  for (double const cost : costs) total += std::ldexp(cost, -largest_exponent);
  std::frexp(total, &total_exponent);
  int const shift = 60 - largest_exponent - total_exponent;
  for (std::size_t item = 0; item < costs.size(); ++item)
    sums[item + 1] = sums[item] + std::llrint(std::ldexp(costs[item], shift));
  return sums;
}

class RunDivider {
 public:
  RunDivider(std::span<double const> costs, int parts)
      : sums_(sum_up(costs)),
        item_count_(costs.size()),
        parts_(static_cast<std::size_t>(parts)),
        limit_(least_limit()) {}

  std::vector<ItemRange> divide() const {
    // earliest[k]: the first item from which on k runs suffice.
    std::vector<std::size_t> earliest(parts_ + 1, item_count_);
    for (std::size_t runs = 1; runs <= parts_; ++runs) {
      auto const least = sums_[earliest[runs - 1]] - limit_;
      earliest[runs] = static_cast<std::size_t>(std::lower_bound(sums_.begin(), sums_.end(), least) - sums_.begin());
    }
    std::vector<ItemRange> ranges;
    ranges.reserve(parts_);
    std::size_t begin = 0;
    for (std::size_t part = 0; part < parts_; ++part) {
      auto const after = parts_ - part - 1;
      auto const first_end = std::max(std::min(begin + 1, item_count_), earliest[after]);
      auto const last_end =
          std::max(first_end, std::min(furthest_end(begin), item_count_ - std::min(after, item_count_)));
      auto const end = std::clamp(nearest_end(begin, after + 1), first_end, last_end);
      ranges.push_back({begin, end});
      begin = end;
    }
    return ranges;
  }

 private:
  /// Largest end of a run from `begin` that costs at most `limit`.
  std::size_t furthest_end(std::size_t begin, std::int64_t limit) const {
    auto const after =
        std::upper_bound(sums_.begin() + static_cast<std::ptrdiff_t>(begin), sums_.end(), sums_[begin] + limit);
    return static_cast<std::size_t>(after - sums_.begin()) - 1;
  }
  std::size_t furthest_end(std::size_t begin) const { return furthest_end(begin, limit_); }

  bool suffices(std::int64_t limit) const {
    std::size_t begin = 0;
    for (std::size_t part = 0; part < parts_ && begin < item_count_; ++part) begin = furthest_end(begin, limit);
    return begin == item_count_;
  }

  /// The least largest run: a run is as long as the limit allows, and the limit is halved in on.
  std::int64_t least_limit() const {
    std::int64_t low = 0;
    for (std::size_t item = 0; item < item_count_; ++item) low = std::max(low, sums_[item + 1] - sums_[item]);
    low = std::max(low, sums_.back() / static_cast<std::int64_t>(parts_));
    std::int64_t high = sums_.back();
    while (low < high) {
      auto const middle = low + (high - low) / 2;
      if (suffices(middle))
        high = middle;
      else
        low = middle + 1;
    }
    return high;
  }

  /// End of the run from `begin` whose cost is nearest to an equal share of what is left for `runs` runs.
  std::size_t nearest_end(std::size_t begin, std::size_t runs) const {
    auto const target = sums_[begin] + (sums_.back() - sums_[begin]) / static_cast<std::int64_t>(runs);
    auto const above = std::lower_bound(sums_.begin() + static_cast<std::ptrdiff_t>(begin), sums_.end(), target);
    auto const end = static_cast<std::size_t>(above - sums_.begin());
    return end > begin && target - sums_[end - 1] < sums_[end] - target ? end - 1 : end;
  }

  std::vector<std::int64_t> sums_;
  std::size_t item_count_, parts_;
  std::int64_t limit_;
};

}  // namespace

std::vector<ItemRange> divide_in_runs(std::span<double const> costs, int parts) {
  TESSERA_EXPECT(parts > 0);
  TESSERA_EXPECT(are_costs(costs));
  return RunDivider(costs, parts).divide();
}

std::vector<int> divide_balanced(std::span<double const> costs, int parts) {
  TESSERA_EXPECT(parts > 0);
  TESSERA_EXPECT(are_costs(costs));
  bool const all_zero = std::all_of(costs.begin(), costs.end(), [](double cost) { return cost == 0; });
  std::vector<std::size_t> longest_first(costs.size());
  std::iota(longest_first.begin(), longest_first.end(), std::size_t{0});
  std::stable_sort(longest_first.begin(), longest_first.end(),
                   [&](std::size_t a, std::size_t b) { return costs[a] > costs[b]; });
  using Load = std::pair<double, int>;
  std::priority_queue<Load, std::vector<Load>, std::greater<>> least_loaded;
  for (int rank = 0; rank < parts; ++rank) least_loaded.emplace(0.0, rank);
  std::vector<int> rank_of_item(costs.size());
  for (auto const item : longest_first) {
    auto const [load, rank] = least_loaded.top();
    least_loaded.pop();
    rank_of_item[item] = rank;
    least_loaded.emplace(load + (all_zero ? 1.0 : costs[item]), rank);  // nothing is known: items count alike
  }
  return rank_of_item;
}

double imbalance(std::span<double const> loads) {
  double const total = std::accumulate(loads.begin(), loads.end(), 0.0);
  if (loads.empty() || total <= 0) return 1;
  return *std::max_element(loads.begin(), loads.end()) * static_cast<double>(loads.size()) / total;
}

}  // namespace tessera::parallel
