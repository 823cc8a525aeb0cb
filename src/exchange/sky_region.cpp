#include "tessera/exchange/sky_region.hpp"

#include <algorithm>
#include <cmath>

#include "tessera/sky/footprint.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::exchange {

namespace {

/// `count` positions from -0.5 to size - 0.5.
std::vector<double> spread(std::int64_t size, std::int64_t count) {
  std::vector<double> positions;
  for (std::int64_t k = 0; k < count; ++k)
    positions.push_back(-0.5 + static_cast<double>(size) * static_cast<double>(k) / static_cast<double>(count - 1));
  return positions;
}

/// Vertices along a side of so many pixels, both corners included.
std::int64_t vertices_along(std::int64_t size, std::optional<double> step) {
  if (!step) return 2;
  return std::max<std::int64_t>(2, static_cast<std::int64_t>(std::ceil((static_cast<double>(size) + 1) / *step)));
}

/// How far beyond the image a window reaches that bowed outlines are clipped to first: more than any detector bows.
double window_margin(std::int64_t size) { return 1 + 0.02 * static_cast<double>(size); }

/// The part of a polygon on which sign * coordinate >= limit, by Sutherland and Hodgman.
std::vector<model::PixelPoint> clip_side(std::vector<model::PixelPoint> const& polygon, double model::PixelPoint::*axis,
                                         double sign, double limit) {
  std::vector<model::PixelPoint> kept;
  for (std::size_t k = 0; k < polygon.size(); ++k) {
    auto const a = polygon[k], b = polygon[(k + 1) % polygon.size()];
    double const inside_a = sign * a.*axis - limit, inside_b = sign * b.*axis - limit;
    if (inside_a >= 0) kept.push_back(a);
    if ((inside_a >= 0) == (inside_b >= 0)) continue;
    double const t = inside_a / (inside_a - inside_b);
    model::PixelPoint crossing{a.x + t * (b.x - a.x), a.y + t * (b.y - a.y)};
    crossing.*axis = sign * limit;
    kept.push_back(crossing);
  }
  return kept;
}

/// Vertices in pixels of the overlap with `other` for outlines of many vertices, which may be dented. In its own pixels
/// the image is a rectangle, however its outline bows on the sky; what is far outside it is cut off on the sky first,
/// as a WCS need not be sensible there.
std::vector<model::PixelPoint> clip_bowed(sky::Wcs const& wcs, std::int64_t nx, std::int64_t ny,
                                          model::SkyPolygon const& other) {
  double const right = static_cast<double>(nx) - 0.5, top = static_cast<double>(ny) - 0.5, mx = window_margin(nx),
               my = window_margin(ny);
  model::SkyPolygon window;
  for (auto const& corner : {model::PixelPoint{-0.5 - mx, -0.5 - my}, model::PixelPoint{right + mx, -0.5 - my},
                             model::PixelPoint{right + mx, top + my}, model::PixelPoint{-0.5 - mx, top + my}})
    window.push_back(wcs.pixel_to_sky(corner));
  std::vector<model::PixelPoint> vertices;
  for (auto const& vertex : sky::intersect(other, window)) vertices.push_back(wcs.sky_to_pixel(vertex));
  vertices = clip_side(vertices, &model::PixelPoint::x, 1, -0.5);
  vertices = clip_side(vertices, &model::PixelPoint::x, -1, -right);
  vertices = clip_side(vertices, &model::PixelPoint::y, 1, -0.5);
  vertices = clip_side(vertices, &model::PixelPoint::y, -1, -top);
  // The reference's outline comes back from the sky, and some WCS find the way back to a few thousandths of a pixel
  // only: enough to move a rounded region by a pixel.
  for (auto& vertex : vertices)
    if (vertex.x == -0.5 || vertex.x == right || vertex.y == -0.5 || vertex.y == top)
      vertex = wcs.sky_to_pixel(wcs.pixel_to_sky(vertex));
  return vertices;
}

/// Vertices nearer to the great circle through their neighbours than this, in radians (20 nanoarcsec), are no corners.
constexpr double Straight = 1e-13;

/// The polygon without vertices on its edges: clipping leaves some where two outlines share an edge, anywhere on it,
/// and in bowed pixels they would pull the edge to the great circle there.
model::SkyPolygon drop_straight_vertices(model::SkyPolygon const& polygon) {
  std::vector<sky::Vector3> kept;
  for (auto const& vertex : polygon) kept.push_back(sky::to_vector(vertex));
  for (std::size_t k = 0; k < kept.size() && kept.size() > 3;) {
    auto const before = kept[(k + kept.size() - 1) % kept.size()], after = kept[(k + 1) % kept.size()];
    auto const chord = after - before;
    double const volume = std::abs(sky::dot(kept[k] - before, sky::cross(before, chord)));
    if (volume <= Straight * sky::length(chord))
      kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(k));
    else
      ++k;
  }
  model::SkyPolygon corners;
  for (auto const& vertex : kept) corners.push_back(sky::to_sky(vertex));
  return corners;
}

}  // namespace

model::SkyPolygon sky_outline(sky::Wcs const& wcs, std::int64_t nx, std::int64_t ny, std::optional<double> step) {
  auto const along_x = spread(nx, vertices_along(nx, step)), along_y = spread(ny, vertices_along(ny, step));
  std::vector<double> x, y;
  auto const add = [&](double at_x, double at_y) {
    x.push_back(at_x);
    y.push_back(at_y);
  };
  // Counterclockwise from the first pixel; every side leaves its last corner to the next one.
  for (std::size_t k = 0; k + 1 < along_x.size(); ++k) add(along_x[k], along_y.front());
  for (std::size_t k = 0; k + 1 < along_y.size(); ++k) add(along_x.back(), along_y[k]);
  for (std::size_t k = along_x.size() - 1; k > 0; --k) add(along_x[k], along_y.back());
  for (std::size_t k = along_y.size() - 1; k > 0; --k) add(along_x.front(), along_y[k]);
  std::vector<double> ra(x.size()), dec(x.size());
  wcs.pixel_to_sky(x, y, ra, dec);
  model::SkyPolygon outline;
  for (std::size_t k = 0; k < x.size(); ++k) outline.push_back({ra[k], dec[k]});
  return outline;
}

std::vector<kernels::PixelRun> overlap_pixels(sky::Wcs const& wcs, std::int64_t nx, std::int64_t ny,
                                              model::SkyPolygon const& outline, model::SkyPolygon const& other) {
  std::vector<model::PixelPoint> vertices;
  if (outline.size() > 4)
    vertices = clip_bowed(wcs, nx, ny, other);
  else
    for (auto const& vertex : drop_straight_vertices(sky::intersect(outline, other)))
      vertices.push_back(wcs.sky_to_pixel(vertex));
  return kernels::fill_polygon(vertices, nx, ny);
}

}  // namespace tessera::exchange
