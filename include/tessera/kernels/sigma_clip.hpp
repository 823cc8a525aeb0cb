// Clipped statistics and exact medians (spec 40, P2).
#pragma once
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace tessera::kernels {

/// Exact median of finite values: the mean of the two middle ones for an even count, NaN of nothing. Reorders `values`.
double median_in_place(std::span<double> values);
double median_in_place(std::span<float> values);

struct ClippedStatistics {
  double mean = std::numeric_limits<double>::quiet_NaN();
  double median = mean;
  double std = mean;  ///< population standard deviation
  std::int64_t count = 0;
};

/// Repeats: c = median, s = std of the values kept, keep |v - c| <= sigma s; until nothing goes or after `maxiters`
/// rounds (nullopt: no limit). Non-finite values are dropped first. Reorders `values`; the order given does not change
/// a bit of the answer (sums run over the sorted values kept).
ClippedStatistics sigma_clip(std::vector<double>& values, double sigma, std::optional<int> maxiters);
ClippedStatistics sigma_clip(std::vector<float>& values, double sigma, std::optional<int> maxiters);
ClippedStatistics sigma_clip(std::span<double> values, double sigma, std::optional<int> maxiters);
ClippedStatistics sigma_clip(std::span<float> values, double sigma, std::optional<int> maxiters);

/// The same of the values whose `mask` (may be empty: all) is 0, which stay as they are.
ClippedStatistics sigma_clip_outside(std::span<double const> values, std::span<std::uint8_t const> mask, double sigma,
                                     std::optional<int> maxiters);
ClippedStatistics sigma_clip_outside(std::span<float const> values, std::span<std::uint8_t const> mask, double sigma,
                                     std::optional<int> maxiters);

}  // namespace tessera::kernels
