// Points of a plane sorted into square cells, so that those near a place are found fast and always in the same order.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "tessera/kernels/match_stars.hpp"

namespace tessera::exchange {

using kernels::PlanePosition;

inline double distance2(PlanePosition a, PlanePosition b) {
  return (a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y);
}

/// Keeps a view of the points: they must outlive it, and be finite.
class PlaneGrid {
 public:
  /// `cell` is a wish, about the radius of the searches to come; cells are larger where they would be too many.
  PlaneGrid(std::span<PlanePosition const> points, double cell) : points_(points) {
    if (points.empty()) return;
    double high_x = points[0].x, high_y = points[0].y;
    low_ = points[0];
    for (auto const& p : points) {
      low_ = {std::min(low_.x, p.x), std::min(low_.y, p.y)};
      high_x = std::max(high_x, p.x);
      high_y = std::max(high_y, p.y);
    }
    double const width = high_x - low_.x, height = high_y - low_.y;
    auto const most = 2 * std::sqrt(static_cast<double>(points.size())) + 1;  // cells along an axis
    cell_ = std::max({cell, width / most, height / most, 1e-9});
    nx_ = static_cast<std::int64_t>(width / cell_) + 1;
    ny_ = static_cast<std::int64_t>(height / cell_) + 1;
    start_.assign(static_cast<std::size_t>(nx_ * ny_) + 1, 0);
    for (auto const& p : points) ++start_[cell_of(p) + 1];
    for (std::size_t k = 1; k < start_.size(); ++k) start_[k] += start_[k - 1];
    order_.resize(points.size());
    auto next = start_;
    for (std::size_t k = 0; k < points.size(); ++k)
      order_[static_cast<std::size_t>(next[cell_of(points[k])]++)] = static_cast<int>(k);
  }

  /// Calls visit(index, distance squared) for all points within `radius` of `at`: by rows of cells, ascending in a
  /// cell.
  template <class Visit>
  void visit_near(PlanePosition at, double radius, Visit&& visit) const {
    if (points_.empty()) return;
    auto const first_x = clamped((at.x - radius - low_.x) / cell_, nx_),
               last_x = clamped((at.x + radius - low_.x) / cell_, nx_);
    auto const first_y = clamped((at.y - radius - low_.y) / cell_, ny_),
               last_y = clamped((at.y + radius - low_.y) / cell_, ny_);
    for (auto row = first_y; row <= last_y; ++row)
      for (auto k = start_[static_cast<std::size_t>(row * nx_ + first_x)],
                end = start_[static_cast<std::size_t>(row * nx_ + last_x) + 1];
           k < end; ++k) {
        int const index = order_[static_cast<std::size_t>(k)];
        double const d2 = distance2(at, points_[static_cast<std::size_t>(index)]);
        if (d2 <= radius * radius) visit(index, d2);
      }
  }

  /// The nearest point within `radius`, the lower index on ties; -1: none.
  int nearest(PlanePosition at, double radius) const {
    int best = -1;
    double least = 0;
    visit_near(at, radius, [&](int index, double d2) {
      if (best >= 0 && (d2 > least || (d2 == least && index > best))) return;
      best = index;
      least = d2;
    });
    return best;
  }

  std::int64_t count_near(PlanePosition at, double radius) const {
    std::int64_t count = 0;
    visit_near(at, radius, [&](int, double) { ++count; });
    return count;
  }

 private:
  static std::int64_t clamped(double cell, std::int64_t cells) {
    return static_cast<std::int64_t>(std::clamp(cell, 0.0, static_cast<double>(cells - 1)));
  }
  std::size_t cell_of(PlanePosition p) const {
    return static_cast<std::size_t>(clamped((p.y - low_.y) / cell_, ny_) * nx_ + clamped((p.x - low_.x) / cell_, nx_));
  }

  std::span<PlanePosition const> points_;
  PlanePosition low_;
  double cell_ = 1;
  std::int64_t nx_ = 0, ny_ = 0;
  std::vector<std::int64_t> start_;
  std::vector<int> order_;
};

}  // namespace tessera::exchange
