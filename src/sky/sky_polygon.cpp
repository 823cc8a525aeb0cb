// Spherical polygons: area and the overlap of convex ones.
#include <algorithm>
#include <array>

#include "tessera/sky/footprint.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::sky {

namespace {

using Vectors = std::vector<Vector3>;

Vectors to_vectors(SkyPolygon const& polygon) {
  Vectors vectors;
  vectors.reserve(polygon.size());
  for (auto const& point : polygon) vectors.push_back(to_vector(point));
  return vectors;
}

/// Signed solid angle, positive when the vertices run counterclockwise seen from outside the sphere. A fan of triangles
/// by the formula of Van Oosterom and Strackee, with the triple product taken from differences: small polygons keep
/// all their digits.
double signed_area(Vectors const& v) {
  double area = 0;
  for (std::size_t k = 1; k + 1 < v.size(); ++k) {
    Vector3 const a = v[0], b = v[k], c = v[k + 1];
    area += 2 * std::atan2(dot(a, cross(b - a, c - a)), 1 + dot(a, b) + dot(b, c) + dot(c, a));
  }
  return area;
}

/// Both polygons with their vertices counterclockwise.
Vectors counterclockwise(SkyPolygon const& polygon) {
  auto vectors = to_vectors(polygon);
  if (signed_area(vectors) < 0) std::reverse(vectors.begin(), vectors.end());
  return vectors;
}

/// Inward normal of the great circle from a to b.
Vector3 edge_normal(Vector3 a, Vector3 b) { return cross(a, b - a); }

/// The part of `subject` on the inner side of the great circle with this normal (one pass of Sutherland and Hodgman).
/// A point between two vertices on their chord lies on the great circle through them, so that this is the clipping of
/// the gnomonic plane, without its horizon.
Vectors clip(Vectors const& subject, Vector3 normal) {
  Vectors kept;
  for (std::size_t k = 0; k < subject.size(); ++k) {
    Vector3 const a = subject[k], b = subject[(k + 1) % subject.size()];
    double const height_a = dot(normal, a), height_b = dot(normal, b);
    if (height_a >= 0) kept.push_back(a);
    if ((height_a >= 0) != (height_b >= 0)) {
      Vector3 const crossing = (height_a / (height_a - height_b)) * b - (height_b / (height_a - height_b)) * a;
      kept.push_back((1 / length(crossing)) * crossing);
    }
  }
  return kept;
}

/// What is narrower than this, in radians, is the rounding of unit vectors and not an overlap (1e-15 rad = 0.2
/// nanoarcsec).
constexpr double NarrowestOverlap = 1e-15;

double perimeter(Vectors const& v) {
  double sum = 0;
  for (std::size_t k = 0; k < v.size(); ++k) sum += length(v[(k + 1) % v.size()] - v[k]);
  return sum;
}

}  // namespace

double polygon_area(SkyPolygon const& polygon) { return std::abs(signed_area(to_vectors(polygon))); }

SkyPolygon intersect(SkyPolygon const& a, SkyPolygon const& b) {
  if (a.size() < 3 || b.size() < 3) return {};
  auto const window = counterclockwise(b);
  auto region = counterclockwise(a);
  for (std::size_t k = 0; k < window.size() && !region.empty(); ++k) {
    Vector3 const from = window[k], to = window[(k + 1) % window.size()];
    if (length(to - from) > 0) region = clip(region, edge_normal(from, to));
  }
  if (region.size() < 3 || !(std::abs(signed_area(region)) > NarrowestOverlap * perimeter(region))) return {};
  SkyPolygon polygon;
  polygon.reserve(region.size());
  for (auto const& v : region) polygon.push_back(to_sky(v));
  return polygon;
}

bool overlaps(SkyPolygon const& a, SkyPolygon const& b) { return !intersect(a, b).empty(); }

}  // namespace tessera::sky
