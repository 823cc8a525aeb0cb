#include "tessera/kernels/smooth_stack.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tessera/compute/views.hpp"
#include "tessera/core/contract.hpp"

namespace tessera::kernels {

double fold_angle(double degrees) {
  double angle = std::fmod(std::abs(degrees), 180.0);
  if (angle >= 90) angle = std::abs(angle - 180);
  return angle;
}

StripeCourse find_stripe_course(std::span<double const> degrees) {
  constexpr double Near = 10;
  bool horizontal = true, vertical = true;
  for (double const angle : degrees) {
    for (double const other : degrees)
      if (fold_angle(angle - other) >= Near) return StripeCourse::None;
    double const to_rows = fold_angle(angle);
    horizontal = horizontal && to_rows < Near;
    vertical = vertical && to_rows > 90 - Near;
  }
  if (degrees.empty()) return StripeCourse::None;
  return horizontal ? StripeCourse::Horizontal : vertical ? StripeCourse::Vertical : StripeCourse::None;
}

namespace {

using Policy = Kokkos::RangePolicy<compute::HostExecution>;

/// Gaps filled, then filtered, in place; `scratch` is as long as `line`.
template <class T>
void filter_line(std::span<T> line, std::span<T> scratch, LineFilter filter, std::int64_t window, ExtendMode mode) {
  fill_gaps(line);
  if (line.empty() || !std::isfinite(line.front())) return;  // nothing to fill with
  if (filter == LineFilter::Median)
    running_median(std::span<T const>(line), window, mode, scratch);
  else
    running_mean(std::span<T const>(line), window, mode, scratch);
  std::copy(scratch.begin(), scratch.end(), line.begin());
}

template <class T>
void along_rows(std::span<T> image, std::int64_t nx, std::int64_t ny, LineFilter filter, std::int64_t window,
                ExtendMode mode) {
  TESSERA_EXPECT(static_cast<std::int64_t>(image.size()) == nx * ny);
  Kokkos::parallel_for("tessera::filter_rows", Policy(0, ny), [&](std::int64_t const y) {
    thread_local std::vector<T> scratch;
    scratch.resize(static_cast<std::size_t>(nx));
    filter_line(image.subspan(static_cast<std::size_t>(y * nx), static_cast<std::size_t>(nx)), std::span(scratch),
                filter, window, mode);
  });
}

template <class T>
void along_columns(std::span<T> image, std::int64_t nx, std::int64_t ny, LineFilter filter, std::int64_t window,
                   ExtendMode mode) {
  TESSERA_EXPECT(static_cast<std::int64_t>(image.size()) == nx * ny);
  constexpr std::int64_t Together = 16;  // columns that share the cache lines of their rows
  Kokkos::parallel_for("tessera::filter_columns", Policy(0, (nx + Together - 1) / Together), [&](std::int64_t const k) {
    thread_local std::vector<T> lines, scratch;
    auto const x0 = k * Together, x1 = std::min(nx, x0 + Together);
    lines.resize(static_cast<std::size_t>(Together * ny));
    scratch.resize(static_cast<std::size_t>(ny));
    for (std::int64_t y = 0; y < ny; ++y)
      for (auto x = x0; x < x1; ++x)
        lines[static_cast<std::size_t>((x - x0) * ny + y)] = image[static_cast<std::size_t>(y * nx + x)];
    for (auto x = x0; x < x1; ++x)
      filter_line(std::span(lines).subspan(static_cast<std::size_t>((x - x0) * ny), static_cast<std::size_t>(ny)),
                  std::span(scratch), filter, window, mode);
    for (std::int64_t y = 0; y < ny; ++y)
      for (auto x = x0; x < x1; ++x)
        image[static_cast<std::size_t>(y * nx + x)] = lines[static_cast<std::size_t>((x - x0) * ny + y)];
  });
}

}  // namespace

void filter_columns(std::span<double> image, std::int64_t nx, std::int64_t ny, LineFilter filter, std::int64_t window,
                    ExtendMode mode) {
  along_columns(image, nx, ny, filter, window, mode);
}
void filter_columns(std::span<float> image, std::int64_t nx, std::int64_t ny, LineFilter filter, std::int64_t window,
                    ExtendMode mode) {
  along_columns(image, nx, ny, filter, window, mode);
}
void filter_rows(std::span<double> image, std::int64_t nx, std::int64_t ny, LineFilter filter, std::int64_t window,
                 ExtendMode mode) {
  along_rows(image, nx, ny, filter, window, mode);
}
void filter_rows(std::span<float> image, std::int64_t nx, std::int64_t ny, LineFilter filter, std::int64_t window,
                 ExtendMode mode) {
  along_rows(image, nx, ny, filter, window, mode);
}

}  // namespace tessera::kernels
