#include "tessera/kernels/sigma_clip.hpp"

#include <algorithm>
#include <cmath>

#include "sort_values.hpp"
#include "tessera/core/contract.hpp"

namespace tessera::kernels {

namespace {

constexpr double NaN = std::numeric_limits<double>::quiet_NaN();

template <class T>
double find_median(std::span<T> values) {
  if (values.empty()) return NaN;
  auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  auto const upper = static_cast<double>(*middle);
  if (values.size() % 2 == 1) return upper;
  return (static_cast<double>(*std::max_element(values.begin(), middle)) + upper) / 2;
}

template <class T>
double middle_of_sorted(std::span<T const> values) {
  auto const half = values.size() / 2;
  auto const upper = static_cast<double>(values[half]);
  return values.size() % 2 == 1 ? upper : (static_cast<double>(values[half - 1]) + upper) / 2;
}

/// Sum of f(value) in a fixed order: eight lanes, added in pairs.
template <class T, class Function>
double sum_in_lanes(std::span<T const> values, Function f) {
  double lane[8] = {};
  std::size_t k = 0;
  for (; k + 8 <= values.size(); k += 8)
    for (std::size_t i = 0; i < 8; ++i) lane[i] += f(static_cast<double>(values[k + i]));
  for (std::size_t i = 0; k < values.size(); ++k, ++i) lane[i] += f(static_cast<double>(values[k]));
  return ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

template <class T>
ClippedStatistics describe(std::span<T const> sorted) {
  ClippedStatistics found;
  found.count = static_cast<std::int64_t>(sorted.size());
  if (sorted.empty()) return found;
  auto const count = static_cast<double>(sorted.size());
  double const mean = sum_in_lanes(sorted, [](double value) { return value; }) / count;
  double const squares = sum_in_lanes(sorted, [mean](double value) { return (value - mean) * (value - mean); });
  found.mean = mean;
  found.median = middle_of_sorted(sorted);
  found.std = std::sqrt(squares / count);
  return found;
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

}  // namespace tessera::kernels
