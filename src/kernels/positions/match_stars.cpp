#include "tessera/kernels/match_stars.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tessera/core/contract.hpp"

namespace tessera::kernels {

namespace {

/// Indices of `points` by y, then x, then the order given.
std::vector<int> sorted_by_y(std::span<PlanePosition const> points) {
  std::vector<int> order(points.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    auto const &p = points[static_cast<std::size_t>(a)], &q = points[static_cast<std::size_t>(b)];
    return p.y != q.y ? p.y < q.y : p.x < q.x;
  });
  return order;
}

/// A point that is left after thinning, with its index in the list given.
struct Sorted {
  double x, y;
  int index;
};

/// Points in the order of their y; each one that is left removes those after it within `separation`.
std::vector<Sorted> thin(std::span<PlanePosition const> points, double separation) {
  std::vector<Sorted> sorted;
  for (int const k : sorted_by_y(points))
    sorted.push_back({points[static_cast<std::size_t>(k)].x, points[static_cast<std::size_t>(k)].y, k});
  std::vector<bool> removed(sorted.size(), false);
  std::vector<Sorted> left;
  double const limit = separation * separation;
  for (std::size_t k = 0; k < sorted.size(); ++k) {
    if (removed[k]) continue;
    left.push_back(sorted[k]);
    for (std::size_t j = k + 1; j < sorted.size(); ++j) {
      double const dx = sorted[j].x - sorted[k].x, dy = sorted[j].y - sorted[k].y;
      if (dy * dy > limit) break;
      if (dx * dx + dy * dy <= limit) removed[j] = true;
    }
  }
  return left;
}

}  // namespace

std::array<double, 2> histogram_shift(std::span<PlanePosition const> image, std::span<PlanePosition const> reference,
                                      double searchrad, double pixel_scale) {
  TESSERA_EXPECT(searchrad > 0 && pixel_scale > 0);
  double const q = searchrad / pixel_scale;
  auto const n = static_cast<std::int64_t>(std::ceil(q));
  std::int64_t const side = 2 * n + 1;
  std::vector<double> counts(static_cast<std::size_t>(side * side), 0.0);
  // References by y: only those within reach of an image point are looked at.
  std::vector<PlanePosition> sorted;
  for (int const k : sorted_by_y(reference)) {
    auto const& r = reference[static_cast<std::size_t>(k)];
    sorted.push_back({r.x / pixel_scale, r.y / pixel_scale});
  }
  double const reach = q + 1;  // half a bin more than what counts
  for (auto const& point : image) {
    double const x = point.x / pixel_scale, y = point.y / pixel_scale;
    auto first = std::lower_bound(sorted.begin(), sorted.end(), y - reach,
                                  [](PlanePosition const& r, double least) { return r.y < least; });
    for (; first != sorted.end() && first->y <= y + reach; ++first) {
      double const dx = x - first->x, dy = y - first->y;
      if (!(dx >= -q - 0.5 && dx < q + 0.5 && dy >= -q - 0.5 && dy < q + 0.5)) continue;
      auto const column = static_cast<std::int64_t>(std::floor(dx + static_cast<double>(n) + 0.5));
      auto const row = static_cast<std::int64_t>(std::floor(dy + static_cast<double>(n) + 0.5));
      if (column < 0 || column >= side || row < 0 || row >= side) continue;
      counts[static_cast<std::size_t>(row * side + column)] += 1;
    }
  }
  auto const peak = find_histogram_peak(counts, side, side);
  if (peak.how == HistogramPeak::How::Empty) return {0, 0};
  return {pixel_scale * peak.x - searchrad, pixel_scale * peak.y - searchrad};
}

StarMatch match_stars(std::span<PlanePosition const> image, std::span<PlanePosition const> reference,
                      MatchOptions const& options) {
  StarMatch match;
  match.first_shift = options.use2dhist ? histogram_shift(image, reference, options.searchrad, options.pixel_scale)
                                        : std::array<double, 2>{options.xoffset, options.yoffset};
  std::vector<PlanePosition> shifted(image.begin(), image.end());
  for (auto& point : shifted) {
    point.x -= match.first_shift[0];
    point.y -= match.first_shift[1];
  }
  auto const points = thin(shifted, options.separation);
  double const limit = options.tolerance * options.tolerance;
  std::size_t first = 0;
  for (auto const& r : thin(reference, options.separation)) {
    while (first < points.size() && points[first].y < r.y - options.tolerance * (1 + 1e-9)) ++first;
    double nearest = limit;
    int found = -1;
    for (std::size_t k = first; k < points.size(); ++k) {
      double const dx = points[k].x - r.x, dy = points[k].y - r.y;
      if (dy > 0 && dy * dy > limit) break;
      double const distance = dx * dx + dy * dy;
      if (distance > nearest) continue;  // of equal ones the later counts
      nearest = distance;
      found = points[k].index;
    }
    if (found >= 0) match.pairs.emplace_back(found, r.index);
  }
  match.confused = match.pairs.size() > image.size();
  if (match.confused) match.pairs.clear();
  return match;
}

}  // namespace tessera::kernels
