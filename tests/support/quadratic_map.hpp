// Pixel maps that are quadratic polynomials, exactly: what the drizzle vectors and benchmarks are made with.
#pragma once
#include "tessera/model/pixel_map.hpp"

namespace tessera::test {

/// c + x X + y Y + xx X^2 + xy X Y + yy Y^2 of the 0-based pixel (X, Y).
struct Quadratic {
  double c = 0, x = 0, y = 0, xx = 0, xy = 0, yy = 0;
  double operator()(double X, double Y) const { return c + x * X + y * Y + xx * X * X + xy * X * Y + yy * Y * Y; }
};

/// The same polynomial about another origin: q(X - x0, Y - y0).
inline Quadratic shift_origin(Quadratic const& q, double x0, double y0) {
  return {q(-x0, -y0), q.x - 2 * q.xx * x0 - q.xy * y0, q.y - 2 * q.yy * y0 - q.xy * x0, q.xx, q.xy, q.yy};
}

inline model::PixelMap make_quadratic_map(std::int64_t nx, std::int64_t ny, Quadratic const& X, Quadratic const& Y) {
  model::PixelMap map;
  map.nx = nx;
  map.ny = ny;
  map.valid = {0, 0, nx, ny};
  double const half = model::PixelMap::PatchSize / 2;
  auto const series = [half](Quadratic const& q, double corner_x, double corner_y) {
    // x = corner + half - 0.5 + half u
    Quadratic const p = shift_origin(q, -(corner_x + half - 0.5), -(corner_y + half - 0.5));
    double const u2 = p.xx * half * half / 2, v2 = p.yy * half * half / 2;
    return std::vector<double>{p.c + u2 + v2, p.x * half, u2, p.y * half, p.xy * half * half, 0, v2, 0, 0};
  };
  for (std::int64_t row = 0; row < map.patch_rows(); ++row)
    for (std::int64_t column = 0; column < map.patch_columns(); ++column) {
      double const x = static_cast<double>(column) * 2 * half, y = static_cast<double>(row) * 2 * half;
      map.patches.push_back({.degree = 2, .finite = true, .x = series(X, x, y), .y = series(Y, x, y)});
    }
  return map;
}

}  // namespace tessera::test
