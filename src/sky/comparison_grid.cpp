#include "tessera/sky/comparison_grid.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/sky/grid_wcs.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::sky {

namespace {

constexpr double LargestDistance = 80 * RadiansPerDegree;  ///< from the centre: a tangent plane holds no more

struct Extent {
  PixelPoint low, high;
  double width() const { return high.x - low.x; }
  double height() const { return high.y - low.y; }
};

Extent extent_of(std::vector<PixelPoint> const& points) {
  constexpr double Infinity = std::numeric_limits<double>::infinity();
  Extent extent{{Infinity, Infinity}, {-Infinity, -Infinity}};
  for (auto const& p : points) {
    extent.low = {std::min(extent.low.x, p.x), std::min(extent.low.y, p.y)};
    extent.high = {std::max(extent.high.x, p.x), std::max(extent.high.y, p.y)};
  }
  return extent;
}

std::vector<PixelPoint> project(model::SkyGrid const& grid, std::vector<Vector3> const& corners) {
  auto const [row_x, row_y, row_w] = GridWcs(grid).projection();
  std::vector<PixelPoint> points;
  points.reserve(corners.size());
  for (auto const& n : corners) {
    double const w = dot(row_w, n);
    points.push_back({dot(row_x, n) / w, dot(row_y, n) / w});
  }
  return points;
}

/// Convex hull, counter-clockwise, without points on its sides.
std::vector<PixelPoint> convex_hull(std::vector<PixelPoint> points) {
  std::sort(points.begin(), points.end(),
            [](PixelPoint a, PixelPoint b) { return a.x < b.x || (a.x == b.x && a.y < b.y); });
  auto const turns_left = [](PixelPoint a, PixelPoint b, PixelPoint c) {
    return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x) > 0;
  };
  std::vector<PixelPoint> hull;
  for (int side = 0; side < 2; ++side) {
    std::size_t const start = hull.size();
    for (auto const& p : points) {
      while (hull.size() >= start + 2 && !turns_left(hull[hull.size() - 2], hull.back(), p)) hull.pop_back();
      hull.push_back(p);
    }
    hull.pop_back();  // the first point of the other side
    std::reverse(points.begin(), points.end());
  }
  return hull;
}

/// Direction of a side of the smallest rectangle about the points, in -45 .. 45 degrees, as radians. One of its sides
/// holds a side of the convex hull. Of equally small ones (to rounding) the one that is turned least.
double rectangle_angle(std::vector<PixelPoint> const& points) {
  auto const hull = convex_hull(points);
  double best_angle = 0, best_area = std::numeric_limits<double>::infinity();
  for (std::size_t k = 0; k < hull.size(); ++k) {
    auto const& a = hull[k];
    auto const& b = hull[(k + 1) % hull.size()];
    double const angle = std::remainder(std::atan2(b.y - a.y, b.x - a.x), 0.5 * std::numbers::pi);
    double const c = std::cos(angle), s = std::sin(angle);
    std::vector<PixelPoint> turned;
    for (auto const& p : hull) turned.push_back({c * p.x + s * p.y, c * p.y - s * p.x});
    auto const extent = extent_of(turned);
    double const area = extent.width() * extent.height();
    constexpr double Rounding = 1e-12;
    bool const is_smaller = area < best_area * (1 - Rounding);
    bool const is_as_small = area <= best_area * (1 + Rounding);
    if (is_smaller || (is_as_small && std::abs(angle) < std::abs(best_angle))) {
      best_angle = angle;
      best_area = std::min(area, best_area);
    }
  }
  return best_angle;
}

bool is_on_the_sky(SkyPoint const& point) { return std::isfinite(point.ra) && std::abs(point.dec) <= 90; }

[[noreturn]] void refuse(std::size_t member, std::string expected, std::string found) {
  throw InputError({.what = "no common grid can be made of these exposures",
                    .where = fmt::format("WCS of exposure {} of the set, counted from 0", member),
                    .expected = std::move(expected),
                    .found = std::move(found),
                    .remedy = "leave the exposure out, or correct its WCS"});
}

void check_member(CommonGridMember const& member, std::size_t number) {
  for (auto const& corner : member.corners)
    if (!is_on_the_sky(corner))
      refuse(number, "corners on the sky", fmt::format("({}, {}) degrees", corner.ra, corner.dec));
  if (!is_on_the_sky(member.reference))
    refuse(number, "a reference position on the sky",
           fmt::format("({}, {}) degrees", member.reference.ra, member.reference.dec));
  if (!(member.scale_deg > 0) || !std::isfinite(member.scale_deg))
    refuse(number, "a pixel side above 0", fmt::format("{} degrees", member.scale_deg));
}

}  // namespace

CommonGridMember make_common_grid_member(Wcs const& wcs, std::int64_t nx, std::int64_t ny,
                                         std::optional<PixelPoint> crpix) {
  double const right = static_cast<double>(nx) - 0.5, top = static_cast<double>(ny) - 0.5;
  CommonGridMember member;
  std::array<PixelPoint, 4> const corners{{{-0.5, -0.5}, {right, -0.5}, {right, top}, {-0.5, top}}};
  for (std::size_t k = 0; k < corners.size(); ++k) member.corners[k] = wcs.pixel_to_sky(corners[k]);
  PixelPoint const at =
      crpix ? *crpix : PixelPoint{0.5 * static_cast<double>(nx - 1), 0.5 * static_cast<double>(ny - 1)};
  member.reference = wcs.pixel_to_sky(at);
  auto const vector_at = [&](double x, double y) { return to_vector(wcs.pixel_to_sky(PixelPoint{x, y})); };
  double const side_x = separation(vector_at(at.x - 0.5, at.y), vector_at(at.x + 0.5, at.y));
  double const side_y = separation(vector_at(at.x, at.y - 0.5), vector_at(at.x, at.y + 0.5));
  member.scale_deg = (side_x < side_y ? side_x : side_y) * DegreesPerRadian;
  return member;
}

model::SkyGrid make_common_grid(std::span<CommonGridMember const> members, bool auto_rotate) {
  if (members.empty())
    throw InputError({.what = "no common grid can be made of no exposures",
                      .where = "the exposures to compare",
                      .expected = "at least one",
                      .found = "none",
                      .remedy = "check the list of exposures"});
  Vector3 sum;
  double scale = std::numeric_limits<double>::infinity();
  std::vector<Vector3> corners;
  for (std::size_t k = 0; k < members.size(); ++k) {
    check_member(members[k], k);
    sum = sum + to_vector(members[k].reference);
    scale = std::min(scale, members[k].scale_deg);
    for (auto const& corner : members[k].corners) corners.push_back(to_vector(corner));
  }
  model::SkyGrid grid;
  grid.crval = to_sky(sum);
  Vector3 const centre = to_vector(grid.crval);
  for (std::size_t k = 0; k < corners.size(); ++k)
    if (double const distance = separation(centre, corners[k]); !(distance <= LargestDistance))
      refuse(k / 4, "corners within 80 degrees of the mean of all exposures",
             fmt::format("{:.1f} degrees", distance * DegreesPerRadian));

  grid.cdelt = {-scale, scale};
  grid.pc = {{{1, 0}, {0, 1}}};
  auto points = project(grid, corners);
  if (auto_rotate) {
    double const angle = rectangle_angle(points);
    grid.pc = {{{std::cos(angle), -std::sin(angle)}, {std::sin(angle), std::cos(angle)}}};
    points = project(grid, corners);
  }
  auto const extent = extent_of(points);
  grid.nx = std::max<std::int64_t>(1, std::llround(extent.width()));
  grid.ny = std::max<std::int64_t>(1, std::llround(extent.height()));
  grid.crpix = {-0.5 - extent.low.x, -0.5 - extent.low.y};  // the lowest corner falls on the edge of pixel 0
  return grid;
}

PixelPoint grid_reference_pixel(model::SkyGrid const& grid) {
  std::int64_t const x = grid.nx / 2, y = grid.ny / 2;
  return {static_cast<double>(x), static_cast<double>(y)};
}

}  // namespace tessera::sky
