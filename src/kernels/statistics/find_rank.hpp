// Values of given ranks without sorting the others.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace tessera::kernels {

/// Values of ranks `low` and `high` (the same or the next; from 0, ascending) among finite values, which get reordered.
/// Values are counted in buckets of one width; then only the bucket with the ranks is looked at, in the same way, until
/// little is left.
template <class T>
std::pair<T, T> find_middle(std::span<T> values, std::size_t low, std::size_t high) {
  constexpr std::size_t Few = 64, Buckets = 256;
  constexpr int Rounds = 4;  // heavy tails crowd into one bucket: comparing takes over
  for (int round = 0; round < Rounds && values.size() > Few; ++round) {
    T lowest = values[0], highest = values[0];
    for (T const value : values) {
      lowest = value < lowest ? value : lowest;
      highest = value > highest ? value : highest;
    }
    T const scale = static_cast<T>(Buckets - 1) / (highest - lowest);
    if (!(scale > 0) || !std::isfinite(scale)) break;
    // Never falls as the value grows: subtraction, multiplication and truncation keep the order.
    auto const place_of = [&](T value) {
      auto const place = static_cast<std::int32_t>((value - lowest) * scale);
      return std::min(static_cast<std::size_t>(place), Buckets - 1);
    };
    std::array<std::uint32_t, Buckets> counts{};
    for (T const value : values) ++counts[place_of(value)];
    std::size_t first = 0, below = 0;
    while (below + counts[first] <= low) below += counts[first++];
    std::size_t last = first, through = below + counts[first];
    while (through <= high) through += counts[++last];
    std::size_t kept = 0;
    for (std::size_t k = 0; k < values.size(); ++k) {
      auto const place = place_of(values[k]);
      std::swap(values[kept], values[k]);
      kept += place >= first && place <= last;
    }
    values = values.first(kept);
    low -= below;
    high -= below;
  }
  auto const at_high = values.begin() + static_cast<std::ptrdiff_t>(high);
  std::nth_element(values.begin(), at_high, values.end());
  return {low == high ? *at_high : *std::max_element(values.begin(), at_high), *at_high};
}

}  // namespace tessera::kernels
