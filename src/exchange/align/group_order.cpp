#include "group_order.hpp"

#include <algorithm>
#include <utility>

namespace tessera::exchange {

GroupOrder::GroupOrder(std::vector<GroupImages> const& groups) : is_left_(groups.size(), true) {
  for (auto const& group : groups) {
    auto& hulls = hulls_.emplace_back();
    for (auto const* image : group) hulls.push_back(hull_of(*image));
  }
  std::size_t const count = groups.size();
  std::vector<double> total(count, 0.0);
  double largest = 0;
  std::size_t first = 0, second = count > 1 ? 1 : 0;
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = i + 1; j < count; ++j) {
      double const area = overlap_area(hulls_[i], hulls_[j]);
      total[i] += area;
      total[j] += area;
      if (area <= largest) continue;
      largest = area;
      first = i;
      second = j;
    }
  reference_ = total[second] > total[first] ? second : first;
  first_ = reference_ == first ? second : first;
  is_left_[reference_] = false;
  reference_hulls_ = hulls_[reference_];
}

std::optional<std::size_t> GroupOrder::next() {
  std::optional<std::size_t> chosen = std::exchange(first_, std::nullopt);
  double largest = -1;
  if (!chosen)
    for (std::size_t g = 0; g < hulls_.size(); ++g) {
      if (!is_left_[g]) continue;
      double const area = overlap_area(hulls_[g], reference_hulls_);
      if (area <= largest) continue;
      largest = area;
      chosen = g;
    }
  if (chosen) is_left_[*chosen] = false;
  return chosen;
}

void GroupOrder::grow(std::span<ReferenceStar const> added, sky::CorrectionPlane const& plane) {
  // The hull of a hull and more stars is that of all stars.
  std::vector<ReferenceStar> stars(added.begin(), added.end());
  for (auto const& hull : reference_hulls_)
    for (auto const& vertex : hull.polygon) stars.push_back({vertex.ra, vertex.dec, 1});
  reference_hulls_.assign(1, convex_hull(stars, plane));
}

bool sees(GroupImages const& group, GroupImages const& others) {
  for (auto const* image : group) {
    auto const field = make_hull(image->corners);
    for (auto const* other : others)
      if (overlap_area(field, make_hull(other->corners)) > 0) return true;
  }
  return false;
}

}  // namespace tessera::exchange
