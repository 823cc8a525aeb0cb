// Dividing a pool of items over the ranks by cost.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

namespace tessera::parallel {

/// Half-open range of item indices.
struct ItemRange {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t size() const { return end - begin; }
};

/// Cuts items into `parts` consecutive runs whose largest total cost is the least possible (items keep their order, as
/// tiles along a Hilbert curve must). Deterministic. Some runs are empty when there are fewer items than parts.
/// Costs must be finite and >= 0.
std::vector<ItemRange> divide_in_runs(std::span<double const> costs, int parts);

/// Gives each item to a rank, longest first to the least loaded (ties: lower item, lower rank). For items whose order
/// does not matter (exposures, pairs). Returns the rank of each item.
std::vector<int> divide_balanced(std::span<double const> costs, int parts);

/// Largest load over mean load, 1 when perfect or empty.
double imbalance(std::span<double const> loads);

}  // namespace tessera::parallel
