// Medians of the rows of an image outside a mask, and images turned.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "tessera/compute/views.hpp"
#include "tessera/kernels/sigma_clip.hpp"

namespace tessera::kernels {

struct LineMedian {
  double value = std::numeric_limits<double>::quiet_NaN();
  std::int64_t count = 0;  ///< values it is made of, before clipping
};

/// How values are clipped before their median is taken; no round: not at all.
struct LineClip {
  double sigma = 3;
  std::optional<int> maxiters = 0;
};

/// Medians of the finite values of columns x0 <= x < x1 of each row of `image` [ny][nx] outside `mask` (may be empty).
template <class T>
std::vector<LineMedian> find_row_medians(std::span<T const> image, std::span<std::uint8_t const> mask, std::int64_t nx,
                                         std::int64_t ny, std::int64_t x0, std::int64_t x1, LineClip const& clip) {
  std::vector<LineMedian> medians(static_cast<std::size_t>(ny));
  Kokkos::parallel_for(
      "tessera::row_medians", Kokkos::RangePolicy<compute::HostExecution>(0, ny), [&](std::int64_t const y) {
        thread_local std::vector<T> values;
        values.resize(static_cast<std::size_t>(x1 - x0));
        std::size_t count = 0;
        for (std::int64_t x = x0; x < x1; ++x) {
          auto const k = static_cast<std::size_t>(y * nx + x);
          values[count] = image[k] + T(0);  // -0 becomes 0
          count += std::isfinite(image[k]) && (mask.empty() || mask[k] == 0);
        }
        auto const used = std::span(values).first(count);
        auto& found = medians[static_cast<std::size_t>(y)];
        found.count = static_cast<std::int64_t>(count);
        found.value = clip.maxiters == 0 ? median_in_place(used) : sigma_clip(used, clip.sigma, clip.maxiters).median;
      });
  return medians;
}

/// [x][y] of [y][x].
template <class T>
std::vector<T> turn_image(std::span<T const> image, std::int64_t nx, std::int64_t ny) {
  constexpr std::int64_t Side = 64;  // squares that fit the cache
  std::vector<T> turned(image.size());
  for (std::int64_t y0 = 0; y0 < ny; y0 += Side)
    for (std::int64_t x0 = 0; x0 < nx; x0 += Side)
      for (std::int64_t x = x0; x < std::min(x0 + Side, nx); ++x)
        for (std::int64_t y = y0; y < std::min(y0 + Side, ny); ++y)
          turned[static_cast<std::size_t>(x * ny + y)] = image[static_cast<std::size_t>(y * nx + x)];
  return turned;
}

inline double median_of_finite(std::vector<double> values) {
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  return median_in_place(values);
}

/// Where `level` is finite.
inline void subtract_level(std::vector<double>& values, double level) {
  if (!std::isfinite(level)) return;
  for (double& value : values) value -= level;
}

}  // namespace tessera::kernels
