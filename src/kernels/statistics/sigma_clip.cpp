#include "tessera/kernels/sigma_clip.hpp"

#include <algorithm>
#include <cmath>

#include "clip_rounds.hpp"
#include "describe.hpp"
#include "find_rank.hpp"
#include "sort_values.hpp"
#include "tessera/core/contract.hpp"

namespace tessera::kernels {

namespace {

constexpr double NaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t Many = 65536;  // from here dealing into buckets pays

template <class T>
double find_median(std::span<T> values) {
  if (values.empty()) return NaN;
  auto const half = values.size() / 2;
  auto const [lower, upper] = find_middle(values, values.size() % 2 == 1 ? half : half - 1, half);
  if (values.size() % 2 == 1) return static_cast<double>(upper);
  return (static_cast<double>(lower) + static_cast<double>(upper)) / 2;
}

template <class T>
std::span<T> gather_finite(std::span<T> values) {
  std::size_t count = 0;
  for (T const value : values)
    if (std::isfinite(value)) values[count++] = value + T(0);  // -0 becomes 0: which of the two is first is no matter
  return values.first(count);
}

template <class T>
ClippedStatistics clip(std::span<T> all, double sigma, std::optional<int> maxiters) {
  TESSERA_EXPECT(sigma >= 0);
  if (all.size() >= Many) return ClipRounds<T>(all, {}, sigma, maxiters).statistics();
  auto const finite = gather_finite(all);
  sort_values(finite);
  std::span<T const> kept = finite;
  auto found = describe(kept);
  for (int round = 0; (!maxiters || round < *maxiters) && !kept.empty(); ++round) {
    double const centre = found.median, limit = sigma * found.std;
    auto const first = std::partition_point(
        kept.begin(), kept.end(), [&](T value) { return value < centre && std::abs(value - centre) > limit; });
    auto const last = std::partition_point(
        first, kept.end(), [&](T value) { return value < centre || std::abs(value - centre) <= limit; });
    auto const before = kept.size();
    kept = {first, last};
    if (kept.size() == before) break;
    found = describe(kept);
  }
  return found;
}

template <class T>
ClippedStatistics clip_outside(std::span<T const> values, std::span<std::uint8_t const> mask, double sigma,
                               std::optional<int> maxiters) {
  TESSERA_EXPECT(sigma >= 0 && (mask.empty() || mask.size() == values.size()));
  if (values.size() >= Many) return ClipRounds<T>(values, mask, sigma, maxiters).statistics();
  std::vector<T> used;
  for (std::size_t k = 0; k < values.size(); ++k)
    if (mask.empty() || mask[k] == 0) used.push_back(values[k]);
  return clip(std::span<T>(used), sigma, maxiters);
}

}  // namespace

double median_in_place(std::span<double> values) { return find_median(values); }
double median_in_place(std::span<float> values) { return find_median(values); }

ClippedStatistics sigma_clip(std::span<double> values, double sigma, std::optional<int> maxiters) {
  return clip(values, sigma, maxiters);
}
ClippedStatistics sigma_clip(std::span<float> values, double sigma, std::optional<int> maxiters) {
  return clip(values, sigma, maxiters);
}
ClippedStatistics sigma_clip(std::vector<double>& values, double sigma, std::optional<int> maxiters) {
  return clip(std::span(values), sigma, maxiters);
}
ClippedStatistics sigma_clip(std::vector<float>& values, double sigma, std::optional<int> maxiters) {
  return clip(std::span(values), sigma, maxiters);
}
ClippedStatistics sigma_clip_outside(std::span<double const> values, std::span<std::uint8_t const> mask, double sigma,
                                     std::optional<int> maxiters) {
  return clip_outside(values, mask, sigma, maxiters);
}
ClippedStatistics sigma_clip_outside(std::span<float const> values, std::span<std::uint8_t const> mask, double sigma,
                                     std::optional<int> maxiters) {
  return clip_outside(values, mask, sigma, maxiters);
}

}  // namespace tessera::kernels
