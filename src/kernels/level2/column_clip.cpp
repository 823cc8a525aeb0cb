#include "column_clip.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace tessera::kernels {

namespace {

/// Sum of f(value) in a fixed order: four lanes, added in pairs.
template <class Function>
double sum_in_lanes(std::span<double const> values, Function f) {
  double lane[4] = {};
  std::size_t k = 0;
  for (; k + 4 <= values.size(); k += 4)
    for (std::size_t i = 0; i < 4; ++i) lane[i] += f(values[k + i]);
  for (std::size_t i = 0; k < values.size(); ++k, ++i) lane[i] += f(values[k]);
  return (lane[0] + lane[1]) + (lane[2] + lane[3]);
}

struct Limits {
  double low = 1, high = 0;
};

/// Of sorted samples those that are kept follow each other.
Limits clip_sorted(std::span<double const> kept, BackgroundClip const& clip) {
  Limits limits;
  if (kept.empty()) return limits;
  for (int round = 1;; ++round) {
    auto const count = static_cast<double>(kept.size());
    auto const half = kept.size() / 2;
    double const median = kept.size() % 2 == 1 ? kept[half] : (kept[half - 1] + kept[half]) / 2;
    double const mean = sum_in_lanes(kept, [](double value) { return value; }) / count;
    double const squares = sum_in_lanes(kept, [mean](double value) { return (value - mean) * (value - mean); });
    double const reach = clip.sigma * std::sqrt(squares / count);
    limits = {median - reach, median + reach};
    std::size_t first = 0, last = kept.size();
    while (first < last && kept[first] < limits.low) ++first;
    while (last > first && kept[last - 1] > limits.high) --last;
    if (last - first == kept.size() || last == first) return limits;
    kept = kept.subspan(first, last - first);
    if (clip.maxiters && round >= *clip.maxiters) return limits;
  }
}

}  // namespace

SortingNetwork::SortingNetwork(std::size_t depth) : depth_(depth) {
  if (depth < 2) return;
  std::size_t highest = 1;
  while (highest * 2 < depth) highest *= 2;
  for (std::size_t p = highest; p > 0; p /= 2) {
    std::size_t residue = 0, distance = p;
    for (std::size_t q = highest;; q /= 2) {
      for (std::size_t i = 0; i + distance < depth; ++i)
        if ((i & p) == residue)
          exchanges_.emplace_back(static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(i + distance));
      if (q == p) break;
      distance = q - p;
      residue = p;
    }
  }
}

void SortingNetwork::sort(float* samples) const {
  for (auto const& [upper, lower] : exchanges_) {
    float* const a = samples + upper * Lane;
    float* const b = samples + lower * Lane;
    float smaller[Lane], larger[Lane];  // all before any is stored, and no unrolling: so they go in vectors
#pragma GCC unroll 1
    for (std::size_t k = 0; k < Lane; ++k) {
      smaller[k] = b[k] < a[k] ? b[k] : a[k];
      larger[k] = b[k] < a[k] ? a[k] : b[k];
    }
    std::copy_n(smaller, Lane, a);
    std::copy_n(larger, Lane, b);
  }
}

ClipLimits find_clip_limits(SortingNetwork const& network, float* samples, BackgroundClip const& clip,
                            std::vector<double>& column) {
  constexpr float None = std::numeric_limits<float>::infinity();
  network.sort(samples);
  ClipLimits limits;
  for (std::size_t pixel = 0; pixel < Lane; ++pixel) {
    std::size_t count = 0;
    for (; count < network.depth() && samples[count * Lane + pixel] != None; ++count)
      column[count] = static_cast<double>(samples[count * Lane + pixel]);
    auto const [low, high] = clip_sorted(std::span(column).first(count), clip);
    limits.low[pixel] = low;
    limits.high[pixel] = high;
  }
  return limits;
}

}  // namespace tessera::kernels
