#include "tessera/kernels/nan_median.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace tessera::kernels {

namespace {

/// Pixels taken at a time: the planes lie far apart, and a cache line of each is used whole.
constexpr std::int64_t Lane = 16;
constexpr std::int64_t FewValues = 24;  // up to here sorting by insertion is the fastest (measured)

float median_of(float* values, std::int64_t count) {
  if (count == 0) return std::numeric_limits<float>::quiet_NaN();
  if (count == 1) return values[0];
  auto const half = count / 2;
  if (count <= FewValues) {
    for (std::int64_t k = 1; k < count; ++k) {
      float const value = values[k];
      std::int64_t at = k;
      for (; at > 0 && values[at - 1] > value; --at) values[at] = values[at - 1];
      values[at] = value;
    }
    return count % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  }
  std::nth_element(values, values + half, values + count);
  return count % 2 == 1 ? values[half] : (*std::max_element(values, values + half) + values[half]) / 2;
}

}  // namespace

void nan_median(float const* const* planes, std::int64_t depth, std::int64_t count, float* out) {
  std::vector<float> values(static_cast<std::size_t>(Lane * std::max<std::int64_t>(1, depth)));
  for (std::int64_t begin = 0; begin < count; begin += Lane) {
    std::int64_t const width = std::min(Lane, count - begin);
    std::int64_t found[Lane] = {};
    for (std::int64_t d = 0; d < depth; ++d) {
      float const* const plane = planes[d] + begin;
      for (std::int64_t k = 0; k < width; ++k) {
        float const value = plane[k];
        values[static_cast<std::size_t>(k * depth + found[k])] = value;  // overwritten by the next where it is NaN
        found[k] += value == value;
      }
    }
    for (std::int64_t k = 0; k < width; ++k) out[begin + k] = median_of(values.data() + k * depth, found[k]);
  }
}

}  // namespace tessera::kernels
