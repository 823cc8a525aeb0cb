// Means weighted by the area shared.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "map_derivatives.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/kernels/reproject.hpp"

namespace tessera::kernels {

namespace {

constexpr double LeastCoverage = 1e-6;

/// A convex polygon: a parallelogram cut by up to four lines has at most eight corners.
struct Polygon {
  std::array<double, 8> x{}, y{};
  std::size_t count = 0;
  void add(double px, double py) {
    x[count] = px;
    y[count] = py;
    ++count;
  }
  double area() const {
    double twice = 0;
    for (std::size_t k = 0, before = count - 1; k < count; before = k++) twice += x[before] * y[k] - x[k] * y[before];
    return 0.5 * std::abs(twice);
  }
};

/// The part with side * (x - line) >= 0, x being the first of the two coordinates given.
Polygon cut(Polygon const& polygon, bool along_x, double side, double line) {
  Polygon kept;
  auto const distance = [&](std::size_t k) { return side * ((along_x ? polygon.x[k] : polygon.y[k]) - line); };
  for (std::size_t k = 0, before = polygon.count - 1; k < polygon.count; before = k++) {
    double const d0 = distance(before), d1 = distance(k);
    if ((d0 >= 0) != (d1 >= 0)) {
      double const t = d0 / (d0 - d1);
      kept.add(polygon.x[before] + t * (polygon.x[k] - polygon.x[before]),
               polygon.y[before] + t * (polygon.y[k] - polygon.y[before]));
    }
    if (d1 >= 0) kept.add(polygon.x[k], polygon.y[k]);
  }
  return kept;
}

Polygon parallelogram(MappedPixel const& p) {
  Polygon polygon;
  for (auto const& [u, v] : {std::pair{-0.5, -0.5}, {0.5, -0.5}, {0.5, 0.5}, {-0.5, 0.5}})
    polygon.add(p.x + u * p.x_along_x + v * p.x_along_y, p.y + u * p.y_along_x + v * p.y_along_y);
  return polygon;
}

float mean_over(MappedPixel const& pixel, ImagePart const& image) {
  constexpr float NaN = std::numeric_limits<float>::quiet_NaN();
  auto const corners = parallelogram(pixel);
  auto const [left, right] = std::minmax_element(corners.x.begin(), corners.x.begin() + 4);
  auto const [low, high] = std::minmax_element(corners.y.begin(), corners.y.begin() + 4);
  double const width = static_cast<double>(image.nx), height = static_cast<double>(image.ny);
  // NaN fails the comparisons
  if (!(*right > -0.5 && *left < width - 0.5 && *high > -0.5 && *low < height - 0.5)) return NaN;
  auto const first = [](double edge) { return static_cast<std::int64_t>(std::floor(std::max(edge, -0.5) + 0.5)); };
  auto const last = [](double edge, double size) {
    return static_cast<std::int64_t>(std::floor(std::min(edge, size - 1) + 0.5));
  };
  std::int64_t const x0 = first(*left), x1 = last(*right, width), y0 = first(*low), y1 = last(*high, height);
  auto const& box = image.box;
  if (x0 < box.x0 || x1 >= box.x1 || y0 < box.y0 || y1 >= box.y1) return NaN;
  double sum = 0, weights = 0;
  for (std::int64_t y = y0; y <= y1; ++y) {
    double const line = static_cast<double>(y);
    auto const row = cut(cut(corners, false, 1, line - 0.5), false, -1, line + 0.5);
    if (row.count < 3) continue;
    for (std::int64_t x = x0; x <= x1; ++x) {
      double const value = image.data[(y - box.y0) * box.width() + (x - box.x0)];
      if (std::isnan(value)) continue;
      double const column = static_cast<double>(x);
      auto const shared = cut(cut(row, true, 1, column - 0.5), true, -1, column + 0.5);
      if (shared.count < 3) continue;
      double const area = shared.area();
      sum += area * value;
      weights += area;
    }
  }
  return weights > LeastCoverage * corners.area() ? static_cast<float>(sum / weights) : NaN;
}

}  // namespace

void reproject_exact(ImagePart const& image, model::PixelMap const& map, model::PixelBox const& target, float* out) {
  TESSERA_EXPECT(target.x0 >= 0 && target.y0 >= 0);
  MapDerivatives derivatives(map);
  std::vector<MappedPixel> pixels;
  for (std::int64_t y = target.y0; y < target.y1; ++y) {
    derivatives.evaluate_row(y, target.x0, target.x1, pixels);
    for (auto const& pixel : pixels) *out++ = mean_over(pixel, image);
  }
}

}  // namespace tessera::kernels
