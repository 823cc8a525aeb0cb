#include "tessera/kernels/apertures.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tessera/core/contract.hpp"
#include "tessera/kernels/sigma_clip.hpp"

namespace tessera::kernels {

namespace {

constexpr double Pi = 3.14159265358979323846;

/// Integral of sqrt(r^2 - u^2) from 0 to u, 0 <= u <= r.
double half_segment(double u, double radius) {
  double const height = std::sqrt(std::max(0.0, radius * radius - u * u));
  return (u * height + radius * radius * std::asin(std::min(1.0, u / radius))) / 2;
}

/// Area of the disc in 0 <= u <= a, 0 <= v <= b; odd in a and in b.
double quadrant_area(double a, double b, double radius) {
  double const sign = (a < 0) != (b < 0) ? -1 : 1;
  a = std::min(std::abs(a), radius);
  b = std::min(std::abs(b), radius);
  if (a * a + b * b <= radius * radius) return sign * a * b;
  double const crossing = std::sqrt(std::max(0.0, radius * radius - b * b));  // there the circle leaves v = b
  return sign * (b * crossing + half_segment(a, radius) - half_segment(crossing, radius));
}

/// Pixels whose centres are up to `reach` from (x, y), cut to the image.
model::PixelBox box_around(ImageWindow const& window, double x, double y, double reach) {
  auto const low = [](double value) { return static_cast<std::int64_t>(std::ceil(value)); };
  auto const high = [](double value) { return static_cast<std::int64_t>(std::floor(value)) + 1; };
  auto const box = model::intersect({low(x - reach), low(y - reach), high(x + reach), high(y + reach)},
                                    {0, 0, window.nx, window.ny});
  if (!box.empty()) TESSERA_EXPECT(model::intersect(box, window.box) == box);
  return box;
}

}  // namespace

double disc_overlap(double x, double y, double radius) {
  x = std::abs(x);
  y = std::abs(y);
  double const far = (x + 0.5) * (x + 0.5) + (y + 0.5) * (y + 0.5);
  if (far <= radius * radius) return 1;
  double const near_x = std::max(0.0, x - 0.5), near_y = std::max(0.0, y - 0.5);
  if (near_x * near_x + near_y * near_y >= radius * radius) return 0;
  double const x0 = x - 0.5, x1 = x + 0.5, y0 = y - 0.5, y1 = y + 0.5;
  return quadrant_area(x1, y1, radius) - quadrant_area(x0, y1, radius) - quadrant_area(x1, y0, radius) +
         quadrant_area(x0, y0, radius);
}

ApertureSum aperture_sum(ImageWindow const& window, float const* errors, double x, double y, double radius) {
  ApertureSum result;
  if (!std::isfinite(x) || !std::isfinite(y)) return result;
  auto const box = box_around(window, x, y, radius + 0.5);
  double sum = 0, variance = 0;
  for (auto row = box.y0; row < box.y1; ++row)
    for (auto column = box.x0; column < box.x1; ++column) {
      double const part = disc_overlap(static_cast<double>(column) - x, static_cast<double>(row) - y, radius);
      if (part == 0) continue;
      auto const at = (row - window.box.y0) * window.box.width() + column - window.box.x0;
      auto const error = static_cast<double>(errors[at]);
      sum += part * static_cast<double>(window.data[at]);
      variance += part * (error * error);
    }
  return {sum, std::sqrt(variance)};
}

AnnulusLevel annulus_level(ImageWindow const& window, double x, double y, double inner, double outer) {
  AnnulusLevel result;
  if (!std::isfinite(x) || !std::isfinite(y)) return result;
  auto const box = box_around(window, x, y, outer);
  std::vector<float> values;
  for (auto row = box.y0; row < box.y1; ++row)
    for (auto column = box.x0; column < box.x1; ++column) {
      double const dx = static_cast<double>(column) - x, dy = static_cast<double>(row) - y;
      double const square = dx * dx + dy * dy;
      if (square < inner * inner || square >= outer * outer) continue;
      auto const value = window.data[(row - window.box.y0) * window.box.width() + column - window.box.x0];
      if (std::isfinite(value)) values.push_back(value);
    }
  auto const clipped = sigma_clip(values, 3, 5);
  result.pixels = clipped.count;
  result.median = clipped.median;
  result.error = std::sqrt(Pi / (2 * static_cast<double>(clipped.count))) * clipped.std;
  return result;
}

}  // namespace tessera::kernels
