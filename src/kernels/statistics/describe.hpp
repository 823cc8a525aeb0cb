// Mean, median and standard deviation of sorted values.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "tessera/kernels/sigma_clip.hpp"

namespace tessera::kernels {

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

}  // namespace tessera::kernels
