// Points on the sky as unit vectors: x towards (0, 0), y towards (90, 0), z towards the north pole.
#pragma once
#include <cmath>
#include <numbers>

#include "tessera/model/sky_grid.hpp"

namespace tessera::sky {

inline constexpr double DegreesPerRadian = 180.0 / std::numbers::pi;
inline constexpr double RadiansPerDegree = std::numbers::pi / 180.0;

/// A direction. Not always of length one: what is only used by its direction need not be normalised.
struct Vector3 {
  double x = 0, y = 0, z = 0;
};

inline Vector3 operator+(Vector3 a, Vector3 b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
inline Vector3 operator-(Vector3 a, Vector3 b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
inline Vector3 operator*(double s, Vector3 a) { return {s * a.x, s * a.y, s * a.z}; }
inline double dot(Vector3 a, Vector3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
inline Vector3 cross(Vector3 a, Vector3 b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
inline double length(Vector3 a) { return std::sqrt(dot(a, a)); }

/// Unit vector of a sky position in degrees.
inline Vector3 to_vector(double ra, double dec) {
  double const a = ra * RadiansPerDegree, d = dec * RadiansPerDegree;
  return {std::cos(d) * std::cos(a), std::cos(d) * std::sin(a), std::sin(d)};
}
inline Vector3 to_vector(model::SkyPoint sky) { return to_vector(sky.ra, sky.dec); }

/// Sky position in degrees, ra in [0, 360), of a direction of any length.
inline model::SkyPoint to_sky(Vector3 v) {
  double ra = std::atan2(v.y, v.x) * DegreesPerRadian;
  if (ra < 0) ra += 360.0;
  if (ra >= 360.0) ra = 0.0;  // -1e-20 + 360 rounds to 360
  return {ra, std::atan2(v.z, std::hypot(v.x, v.y)) * DegreesPerRadian};
}

/// Unit vectors to the east and to the north of a position: the axes of its tangent plane. Also defined at the poles.
struct TangentAxes {
  Vector3 centre, east, north;
};
inline TangentAxes tangent_axes(model::SkyPoint at) {
  double const a = at.ra * RadiansPerDegree, d = at.dec * RadiansPerDegree;
  return {to_vector(at),
          {-std::sin(a), std::cos(a), 0.0},
          {-std::sin(d) * std::cos(a), -std::sin(d) * std::sin(a), std::cos(d)}};
}

/// Great-circle distance of two directions in radians, exact for small ones.
inline double separation(Vector3 a, Vector3 b) { return std::atan2(length(cross(a, b - a)), dot(a, b)); }

}  // namespace tessera::sky
