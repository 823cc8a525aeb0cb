#include "tessera/kernels/running_filter.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"

namespace tessera::kernels {

ExtendMode parse_extend_mode(std::string_view name) {
  if (name == "reflect") return ExtendMode::Reflect;
  if (name == "nearest") return ExtendMode::Nearest;
  if (name == "mirror") return ExtendMode::Mirror;
  if (name == "constant") return ExtendMode::Constant;
  if (name == "wrap") return ExtendMode::Wrap;
  throw ConfigError({.what = "unknown way to extend a line beyond its ends",
                     .where = "large_scale_filter_extend_mode",
                     .expected = "reflect, nearest, mirror, constant or wrap",
                     .found = std::string(name),
                     .remedy = "choose one of these; reflect is the default"});
}

namespace {

std::int64_t modulo(std::int64_t k, std::int64_t n) {
  auto const rest = k % n;
  return rest < 0 ? rest + n : rest;
}

/// Index of the value that stands at position k of the extended line; -1: a zero.
std::int64_t extended_index(std::int64_t k, std::int64_t n, ExtendMode mode) {
  if (k >= 0 && k < n) return k;
  switch (mode) {
    case ExtendMode::Nearest:
      return k < 0 ? 0 : n - 1;
    case ExtendMode::Constant:
      return -1;
    case ExtendMode::Wrap:
      return modulo(k, n);
    case ExtendMode::Reflect: {
      auto const at = modulo(k, 2 * n);
      return at < n ? at : 2 * n - 1 - at;
    }
    case ExtendMode::Mirror: {
      if (n == 1) return 0;
      auto const at = modulo(k, 2 * n - 2);
      return at < n ? at : 2 * n - 2 - at;
    }
  }
  return -1;
}

template <class T>
std::vector<T> extend(std::span<T const> in, std::int64_t half, ExtendMode mode) {
  auto const n = static_cast<std::int64_t>(in.size());
  std::vector<T> line(static_cast<std::size_t>(n + 2 * half));
  for (std::int64_t k = -half; k < n + half; ++k) {
    auto const index = extended_index(k, n, mode);
    line[static_cast<std::size_t>(k + half)] = index < 0 ? T(0) : in[static_cast<std::size_t>(index)];
  }
  return line;
}

/// A window kept in order: what leaves and what comes in move only the values between them.
template <class T>
void slide_median(std::span<T const> in, std::int64_t window, ExtendMode mode, std::span<T> out) {
  TESSERA_EXPECT(window >= 1 && window % 2 == 1 && out.size() == in.size());
  if (in.empty()) return;
  auto const line = extend(in, window / 2, mode);
  auto const width = static_cast<std::size_t>(window), middle = width / 2;
  std::vector<T> sorted(line.begin(), line.begin() + window);
  std::sort(sorted.begin(), sorted.end());
  out[0] = sorted[middle];
  for (std::size_t k = 1; k < in.size(); ++k) {
    T const leaves = line[k - 1], enters = line[k - 1 + width];
    auto const hole = std::lower_bound(sorted.begin(), sorted.end(), leaves);
    if (enters >= leaves) {
      auto const place = std::lower_bound(hole + 1, sorted.end(), enters);
      std::move(hole + 1, place, hole);
      *(place - 1) = enters;
    } else {
      auto const place = std::upper_bound(sorted.begin(), hole, enters);
      std::move_backward(place, hole, hole + 1);
      *place = enters;
    }
    out[k] = sorted[middle];
  }
}

template <class T>
void slide_mean(std::span<T const> in, std::int64_t window, ExtendMode mode, std::span<T> out) {
  TESSERA_EXPECT(window >= 1 && window % 2 == 1 && out.size() == in.size());
  if (in.empty()) return;
  auto const line = extend(in, window / 2, mode);
  auto const width = static_cast<std::size_t>(window);
  // Summed about the first value: what rounding leaves in a sum that slides is of the size of the differences.
  auto const origin = static_cast<double>(line[0]);
  double sum = 0;
  for (std::size_t k = 0; k < width; ++k) sum += static_cast<double>(line[k]) - origin;
  for (std::size_t k = 0; k < in.size(); ++k) {
    out[k] = static_cast<T>(origin + sum / static_cast<double>(window));
    if (k + 1 < in.size())
      sum += (static_cast<double>(line[k + width]) - origin) - (static_cast<double>(line[k]) - origin);
  }
}

template <class T>
void fill(std::span<T> line) {
  std::size_t last = line.size();  // finite value before; none yet
  for (std::size_t k = 0; k < line.size(); ++k) {
    if (!std::isfinite(line[k])) continue;
    if (last == line.size()) {
      std::fill(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(k), line[k]);
    } else if (k > last + 1) {
      auto const a = static_cast<double>(line[last]), b = static_cast<double>(line[k]);
      auto const span = static_cast<double>(k - last);
      for (std::size_t i = last + 1; i < k; ++i)
        line[i] = static_cast<T>(a + (b - a) * (static_cast<double>(i - last) / span));
    }
    last = k;
  }
  if (last < line.size()) std::fill(line.begin() + static_cast<std::ptrdiff_t>(last), line.end(), line[last]);
}

}  // namespace

void running_median(std::span<double const> in, std::int64_t window, ExtendMode mode, std::span<double> out) {
  slide_median(in, window, mode, out);
}
void running_median(std::span<float const> in, std::int64_t window, ExtendMode mode, std::span<float> out) {
  slide_median(in, window, mode, out);
}
void running_mean(std::span<double const> in, std::int64_t window, ExtendMode mode, std::span<double> out) {
  slide_mean(in, window, mode, out);
}
void running_mean(std::span<float const> in, std::int64_t window, ExtendMode mode, std::span<float> out) {
  slide_mean(in, window, mode, out);
}
void fill_gaps(std::span<double> line) { fill(line); }
void fill_gaps(std::span<float> line) { fill(line); }

}  // namespace tessera::kernels
