#include "tessera/kernels/source_mask.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "clip_rounds.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/kernels/sigma_clip.hpp"

namespace tessera::kernels {

namespace {

constexpr std::size_t Many = 65536;  // from here bounds of the threshold pay

/// Detected pixels x0 <= x < x1 of a row, and the run that stands for its component.
struct Run {
  std::int32_t x0, x1;
  std::int32_t y;
  std::int32_t parent;
};

std::int32_t find_root(std::vector<Run>& runs, std::int32_t k) {
  auto const at = [&](std::int32_t i) -> Run& { return runs[static_cast<std::size_t>(i)]; };
  while (at(k).parent != k) k = at(k).parent = at(at(k).parent).parent;
  return k;
}

/// Joins the runs of a row with those of the row before that touch them, also at corners.
void join_rows(std::vector<Run>& runs, std::size_t before, std::size_t begin, std::size_t end) {
  std::size_t above = before;
  for (std::size_t k = begin; k < end; ++k) {
    while (above < begin && runs[above].x1 < runs[k].x0) ++above;
    for (std::size_t other = above; other < begin && runs[other].x0 <= runs[k].x1; ++other) {
      auto const a = find_root(runs, static_cast<std::int32_t>(other)),
                 b = find_root(runs, static_cast<std::int32_t>(k));
      runs[static_cast<std::size_t>(std::max(a, b))].parent = std::min(a, b);
    }
  }
}

/// Runs of pixels above the threshold, 8-connected.
template <class T>
std::vector<Run> find_runs(T const* data, std::int64_t nx, std::int64_t ny, double threshold) {
  std::vector<Run> runs;
  std::size_t before = 0, begin = 0;
  for (std::int64_t y = 0; y < ny; ++y) {
    T const* const row = data + y * nx;
    for (std::int64_t x = 0; x < nx; ++x) {
      if (!(static_cast<double>(row[x]) > threshold)) continue;
      auto const x0 = x;
      while (x<nx&& static_cast<double>(row[x])> threshold) ++x;
      runs.push_back({static_cast<std::int32_t>(x0), static_cast<std::int32_t>(x), static_cast<std::int32_t>(y),
                      static_cast<std::int32_t>(runs.size())});
    }
    join_rows(runs, before, begin, runs.size());
    before = begin;
    begin = runs.size();
  }
  return runs;
}

/// Whether a value may lie in the bounds: some number of its type does, and so does one of the values.
template <class T>
bool parts_values(Bounds const& bounds, std::span<T const> data) {
  constexpr T Infinity = std::numeric_limits<T>::infinity();
  auto low = static_cast<T>(bounds.low), high = static_cast<T>(bounds.high);
  if (static_cast<double>(low) < bounds.low) low = std::nextafter(low, Infinity);
  if (static_cast<double>(high) > bounds.high) high = std::nextafter(high, -Infinity);
  return low <= high &&
         std::any_of(data.begin(), data.end(), [low, high](T value) { return value >= low && value <= high; });
}

/// A number that the same values of `data` are above as are above the threshold, mean + nsigma * std: any of its bounds
/// where no value lies between.
template <class T>
double find_threshold(std::span<T const> data, std::uint8_t const* stat_mask, SourceMaskOptions const& options) {
  TESSERA_EXPECT(options.nsigma >= 0);
  auto const mask = stat_mask ? std::span(stat_mask, data.size()) : std::span<std::uint8_t const>();
  if (data.size() < Many) {
    auto const found = sigma_clip_outside(data, mask, options.nsigma, options.maxiters);
    return found.mean + options.nsigma * found.std;
  }
  ClipRounds<T> rounds(data, mask, options.nsigma, options.maxiters);
  auto const bounds = rounds.bound_threshold(options.nsigma);
  bool const is_bounded = std::isfinite(bounds.low) && std::isfinite(bounds.high);
  if (is_bounded && !parts_values(bounds, data)) return bounds.low;
  auto const found = rounds.statistics();
  return found.mean + options.nsigma * found.std;
}

template <class T>
std::vector<std::uint8_t> mask_detections(T const* data, double threshold, std::int64_t nx, std::int64_t ny,
                                          SourceMaskOptions const& options) {
  TESSERA_EXPECT(nx >= 0 && ny >= 0 && nx * ny < std::numeric_limits<std::int32_t>::max());
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(nx * ny), 0);
  auto runs = find_runs(data, nx, ny, threshold);
  if (runs.empty()) return mask;
  std::vector<std::int32_t> size(runs.size(), 0);
  for (std::size_t k = 0; k < runs.size(); ++k)
    size[static_cast<std::size_t>(find_root(runs, static_cast<std::int32_t>(k)))] += runs[k].x1 - runs[k].x0;
  for (std::size_t k = 0; k < runs.size(); ++k) {
    if (size[static_cast<std::size_t>(find_root(runs, static_cast<std::int32_t>(k)))] < options.npixels) continue;
    std::fill(mask.begin() + runs[k].y * nx + runs[k].x0, mask.begin() + runs[k].y * nx + runs[k].x1, std::uint8_t{1});
  }
  dilate_mask(mask, nx, ny, options.dilate);
  return mask;
}

template <class T>
std::vector<std::uint8_t> make_mask(T const* data, std::uint8_t const* stat_mask, std::int64_t nx, std::int64_t ny,
                                    SourceMaskOptions const& options) {
  auto const threshold = find_threshold(std::span(data, static_cast<std::size_t>(nx * ny)), stat_mask, options);
  return mask_detections(data, threshold, nx, ny, options);
}

}  // namespace

std::vector<std::uint8_t> mask_above(float const* data, double threshold, std::int64_t nx, std::int64_t ny,
                                     SourceMaskOptions const& options) {
  return mask_detections(data, threshold, nx, ny, options);
}

void dilate_mask(std::vector<std::uint8_t>& mask, std::int64_t nx, std::int64_t ny, int size) {
  if (size <= 1 || mask.empty()) return;
  std::int64_t const before = (size - 1) / 2, after = size / 2;  // source pixels that reach p: p - before .. p + after
  std::vector<std::uint8_t> line(static_cast<std::size_t>(nx));
  for (std::int64_t y = 0; y < ny; ++y) {
    std::uint8_t* const row = mask.data() + y * nx;
    std::copy(row, row + nx, line.begin());
    for (auto run = std::find(line.begin(), line.end(), 1); run != line.end();) {
      auto const end = std::find(run, line.end(), 0);
      auto const x0 = std::max<std::int64_t>(0, run - line.begin() - after);
      auto const x1 = std::min<std::int64_t>(nx, end - line.begin() + before);
      std::fill(row + x0, row + x1, std::uint8_t{1});
      run = std::find(end, line.end(), 1);
    }
  }
  // columns: rows that hold a set pixel, counted in a window that slides down
  std::vector<std::int32_t> inside(static_cast<std::size_t>(nx), 0);
  auto const source = mask;
  auto const add = [&](std::int64_t y, std::int32_t sign) {
    if (y < 0 || y >= ny) return;
    std::uint8_t const* const row = source.data() + y * nx;
    for (std::int64_t x = 0; x < nx; ++x) inside[static_cast<std::size_t>(x)] += sign * row[x];
  };
  for (std::int64_t y = 0; y < after; ++y) add(y, 1);
  for (std::int64_t y = 0; y < ny; ++y) {
    add(y + after, 1);
    std::uint8_t* const row = mask.data() + y * nx;
    for (std::int64_t x = 0; x < nx; ++x) row[x] = inside[static_cast<std::size_t>(x)] > 0;
    add(y - before, -1);
  }
}

std::vector<std::uint8_t> make_source_mask(float const* data, std::uint8_t const* stat_mask, std::int64_t nx,
                                           std::int64_t ny, SourceMaskOptions const& options) {
  return make_mask(data, stat_mask, nx, ny, options);
}
std::vector<std::uint8_t> make_source_mask(double const* data, std::uint8_t const* stat_mask, std::int64_t nx,
                                           std::int64_t ny, SourceMaskOptions const& options) {
  return make_mask(data, stat_mask, nx, ny, options);
}

}  // namespace tessera::kernels
