#include "source_hulls.hpp"

#include <algorithm>
#include <cmath>

#include "tessera/sky/footprint.hpp"

namespace tessera::exchange {

namespace {

struct Point {
  double x, y;
};

/// Positive where a, b, c turn to the left.
double turn(Point const& a, Point const& b, Point const& c) {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

/// Convex hull, anticlockwise, without points on its edges.
std::vector<Point> hull_of_points(std::vector<Point> points) {
  std::sort(points.begin(), points.end(),
            [](Point const& a, Point const& b) { return a.x != b.x ? a.x < b.x : a.y < b.y; });
  std::vector<Point> hull;
  auto const add = [&](Point const& point, std::size_t fixed) {
    while (hull.size() >= fixed + 2 && turn(hull[hull.size() - 2], hull.back(), point) <= 0) hull.pop_back();
    hull.push_back(point);
  };
  for (auto const& point : points) add(point, 0);
  std::size_t const lower = hull.empty() ? 0 : hull.size() - 1;
  for (auto point = points.rbegin(); point != points.rend(); ++point) add(*point, lower);
  if (!hull.empty()) hull.pop_back();
  return hull;
}

}  // namespace

SkyHull make_hull(model::SkyPolygon polygon) {
  SkyHull hull{std::move(polygon), {}, 0};
  for (auto const& vertex : hull.polygon) hull.centre = hull.centre + sky::to_vector(vertex);
  for (auto const& vertex : hull.polygon)
    hull.radius = std::max(hull.radius, sky::separation(hull.centre, sky::to_vector(vertex)));
  return hull;
}

SkyHull convex_hull(std::span<ReferenceStar const> stars, sky::CorrectionPlane const& plane) {
  std::vector<Point> points;
  for (auto const& star : stars) {
    Point point{};
    plane.sky_to_plane({&star.ra, 1}, {&star.dec, 1}, {&point.x, 1}, {&point.y, 1});
    if (std::isfinite(point.x) && std::isfinite(point.y)) points.push_back(point);
  }
  model::SkyPolygon polygon;
  for (auto const& point : hull_of_points(std::move(points))) {
    auto& vertex = polygon.emplace_back();
    plane.plane_to_sky({&point.x, 1}, {&point.y, 1}, {&vertex.ra, 1}, {&vertex.dec, 1});
  }
  if (polygon.size() < 3) polygon.clear();
  return make_hull(std::move(polygon));
}

SkyHull hull_of(AlignImage const& image) {
  if (image.stars.size() >= 3) {
    auto hull = convex_hull(stars_of({&image}), image.plane);
    if (!hull.polygon.empty()) return hull;
  }
  return make_hull(image.corners);
}

double overlap_area(SkyHull const& a, SkyHull const& b) {
  if (a.polygon.empty() || b.polygon.empty()) return 0;
  if (sky::separation(a.centre, b.centre) > a.radius + b.radius) return 0;
  auto const common = sky::intersect(a.polygon, b.polygon);
  return common.size() < 3 ? 0 : sky::polygon_area(common);
}

double overlap_area(std::span<SkyHull const> a, std::span<SkyHull const> b) {
  double area = 0;
  for (auto const& one : a)
    for (auto const& other : b) area += overlap_area(one, other);
  return area;
}

}  // namespace tessera::exchange
