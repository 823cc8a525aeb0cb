// The square kernel written as the specification reads (spec 30, 4.6), slowly: what the fast one is compared with.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "tessera/model/pixel_map.hpp"

namespace tessera::test {

using Point = std::array<double, 2>;
using Polygon = std::vector<Point>;

/// What remains of a polygon where side * (coordinate[axis] - limit) >= 0 (Sutherland and Hodgman).
inline Polygon clip(Polygon const& polygon, std::size_t axis, double limit, double side) {
  Polygon inside;
  for (std::size_t k = 0; k < polygon.size(); ++k) {
    Point const &a = polygon[k], &b = polygon[(k + 1) % polygon.size()];
    double const da = side * (a[axis] - limit), db = side * (b[axis] - limit);
    if (da >= 0) inside.push_back(a);
    if ((da >= 0) != (db >= 0)) {
      double const part = da / (da - db);
      Point cut{a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1])};
      cut[axis] = limit;
      inside.push_back(cut);
    }
  }
  return inside;
}

/// Signed area by the shoelace formula, relative to the first corner; positive clockwise, as the corners of a drop run.
inline double area(Polygon const& polygon) {
  double twice = 0;
  for (std::size_t k = 1; k + 1 < polygon.size(); ++k)
    twice += (polygon[k + 1][0] - polygon[0][0]) * (polygon[k][1] - polygon[0][1]) -
             (polygon[k][0] - polygon[0][0]) * (polygon[k + 1][1] - polygon[0][1]);
  return twice / 2;
}

inline double overlap(Polygon const& polygon, double x, double y) {
  auto const part = clip(clip(clip(clip(polygon, 0, x - 0.5, 1), 0, x + 0.5, -1), 1, y - 0.5, 1), 1, y + 0.5, -1);
  return area(part);
}

/// All mapped pixel centres, [y][x].
struct CentreMap {
  std::int64_t nx, ny;
  std::vector<double> X, Y;
  explicit CentreMap(model::PixelMap const& map) : nx(map.nx), ny(map.ny) {
    X.resize(static_cast<std::size_t>(nx * ny));
    Y.resize(X.size());
    for (std::int64_t y = 0; y < ny; ++y)
      map.evaluate_row(y, 0, nx, &X[static_cast<std::size_t>(y * nx)], &Y[static_cast<std::size_t>(y * nx)]);
  }
  Point at(std::int64_t x, std::int64_t y) const {
    auto const k = static_cast<std::size_t>(y * nx + x);
    return {X[k], Y[k]};
  }
  Point interpolate(double u, double v) const {
    auto const x = std::clamp<std::int64_t>(static_cast<std::int64_t>(u), 0, nx - 2);
    auto const y = std::clamp<std::int64_t>(static_cast<std::int64_t>(v), 0, ny - 2);
    double const a = u - static_cast<double>(x), b = v - static_cast<double>(y);
    Point result;
    for (std::size_t axis = 0; axis < 2; ++axis)
      result[axis] = (1 - b) * ((1 - a) * at(x, y)[axis] + a * at(x + 1, y)[axis]) +
                     b * ((1 - a) * at(x, y + 1)[axis] + a * at(x + 1, y + 1)[axis]);
    return result;
  }
};

struct PlainPlanes {
  std::vector<double> weight, value;  ///< sum(a w), sum(a w d), [y][x] of the grid
};

/// One exposure onto a whole grid.
inline PlainPlanes drizzle_plainly(model::PixelMap const& map, std::int64_t grid_nx, std::int64_t grid_ny,
                                   double pixfrac, std::vector<float> const& data, std::vector<float> const& weight) {
  CentreMap const centres(map);
  PlainPlanes planes;
  planes.weight.assign(static_cast<std::size_t>(grid_nx * grid_ny), 0.0);
  planes.value = planes.weight;
  double const h = pixfrac / 2;
  for (std::int64_t y = 0; y < map.ny; ++y)
    for (std::int64_t x = 0; x < map.nx; ++x) {
      auto const [cx, cy] = centres.at(x, y);
      if (!(cx >= -0.5 && cx <= static_cast<double>(grid_nx) - 0.5 && cy >= -0.5 &&
            cy <= static_cast<double>(grid_ny) - 0.5))
        continue;
      double const i = static_cast<double>(x), j = static_cast<double>(y);
      Polygon const drop{centres.interpolate(i - h, j + h), centres.interpolate(i + h, j + h),
                         centres.interpolate(i + h, j - h), centres.interpolate(i - h, j - h)};
      double const whole = area(drop);
      if (std::isnan(whole) || whole == 0) continue;
      double low[2] = {1e300, 1e300}, high[2] = {-1e300, -1e300};
      for (auto const& corner : drop)
        for (std::size_t axis = 0; axis < 2; ++axis) {
          low[axis] = std::min(low[axis], corner[axis]);
          high[axis] = std::max(high[axis], corner[axis]);
        }
      auto const input = static_cast<std::size_t>(y * map.nx + x);
      double const w = static_cast<double>(weight[input]), d = static_cast<double>(data[input]);
      for (auto row = std::max<std::int64_t>(0, std::lround(low[1]));
           row <= std::min(grid_ny - 1, std::lround(high[1])); ++row)
        for (auto column = std::max<std::int64_t>(0, std::lround(low[0]));
             column <= std::min(grid_nx - 1, std::lround(high[0])); ++column) {
          double const share = overlap(drop, static_cast<double>(column), static_cast<double>(row)) / whole;
          if (share < 1e-12) continue;
          auto const output = static_cast<std::size_t>(row * grid_nx + column);
          planes.weight[output] += share * w;
          planes.value[output] += share * w * d;
        }
    }
  return planes;
}

}  // namespace tessera::test
