#include "tessera/sky/count_islands.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "tessera/sky/footprint.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::sky {

namespace {

/// A circle on the sky that holds a footprint.
struct Circle {
  Vector3 centre;     ///< unit vector
  double radius = 0;  ///< radian
};

Circle circle_around(model::SkyPolygon const& polygon) {
  Circle circle;
  for (auto const& vertex : polygon) circle.centre = circle.centre + to_vector(vertex);
  circle.centre = (1 / length(circle.centre)) * circle.centre;
  for (auto const& vertex : polygon)
    circle.radius = std::max(circle.radius, std::acos(std::clamp(dot(to_vector(vertex), circle.centre), -1.0, 1.0)));
  return circle;
}

bool are_apart(Circle const& a, Circle const& b) {
  double const reach = a.radius + b.radius;
  return reach < std::numbers::pi && dot(a.centre, b.centre) < std::cos(reach) - 1e-12;
}

/// Root of a set, with the path to it shortened on the way.
std::size_t find_root(std::vector<std::size_t>& parent, std::size_t k) {
  while (parent[k] != k) k = parent[k] = parent[parent[k]];
  return k;
}

}  // namespace

int count_islands(std::vector<model::SkyPolygon> const& footprints) {
  std::vector<Circle> circles;
  for (auto const& footprint : footprints) circles.push_back(circle_around(footprint));
  std::vector<std::size_t> parent(footprints.size());
  std::iota(parent.begin(), parent.end(), std::size_t{0});
  auto islands = static_cast<int>(footprints.size());
  for (std::size_t a = 0; a < footprints.size(); ++a)
    for (std::size_t b = a + 1; b < footprints.size(); ++b) {
      if (are_apart(circles[a], circles[b])) continue;
      auto const root_a = find_root(parent, a), root_b = find_root(parent, b);
      if (root_a == root_b || !overlaps(footprints[a], footprints[b])) continue;
      parent[std::max(root_a, root_b)] = std::min(root_a, root_b);
      --islands;
    }
  return islands;
}

}  // namespace tessera::sky
