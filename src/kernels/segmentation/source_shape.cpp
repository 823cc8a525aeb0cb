#include "tessera/kernels/source_shape.hpp"

#include <algorithm>
#include <cmath>

#include "tessera/core/contract.hpp"

namespace tessera::kernels {

namespace {

constexpr double DegreesOfRadian = 57.295779513082320877;
/// Variance of a pixel: no source is narrower.
constexpr double PixelVariance = 1.0 / 12;

struct Moments {
  double sum = 0, x = 0, y = 0;   ///< first moments, of pixel numbers in the cutout
  double xx = 0, xy = 0, yy = 0;  ///< second central moments
};

/// (-90, 90]
double fold_orientation(double degrees) {
  while (degrees > 90) degrees -= 180;
  while (degrees <= -90) degrees += 180;
  return degrees;
}

void describe_ellipse(Moments const& moments, SourceShape& shape) {
  double xx = moments.xx / moments.sum, yy = moments.yy / moments.sum;
  double const xy = moments.xy / moments.sum;
  auto const determinant = [&] { return xx * yy - xy * xy; };
  if (!std::isfinite(determinant()) || determinant() < 0) return;
  while (determinant() < PixelVariance * PixelVariance) {
    xx += PixelVariance;
    yy += PixelVariance;
  }
  double const mean = (xx + yy) / 2, half = std::sqrt((xx - yy) * (xx - yy) / 4 + xy * xy);
  shape.semimajor = std::sqrt(mean + half);
  shape.semiminor = std::sqrt(std::max(0.0, mean - half));
  shape.ellipticity = 1 - shape.semiminor / shape.semimajor;
  shape.orientation = fold_orientation(0.5 * std::atan2(2 * xy, xx - yy) * DegreesOfRadian);
}

/// Value of the pixel, 0 outside the image.
double value_at(ImageWindow const& window, std::int64_t x, std::int64_t y) {
  if (x < 0 || y < 0 || x >= window.nx || y >= window.ny) return 0;
  auto const& box = window.box;
  TESSERA_EXPECT(x >= box.x0 && x < box.x1 && y >= box.y0 && y < box.y1);
  return static_cast<double>(window.data[(y - box.y0) * box.width() + x - box.x0]);
}

/// The image convolved with the finder's kernel, at one pixel of it; 0 outside the image.
double matched_at(ImageWindow const& window, std::int64_t x, std::int64_t y, FinderKernel const& kernel) {
  if (x < 0 || y < 0 || x >= window.nx || y >= window.ny) return 0;
  double sum = 0;
  std::size_t k = 0;
  for (int dy = -kernel.radius; dy <= kernel.radius; ++dy)
    for (int dx = -kernel.radius; dx <= kernel.radius; ++dx, ++k)
      if (kernel.weights[k] != 0) sum += kernel.weights[k] * value_at(window, x + dx, y + dy);
  return sum;
}

/// Quadrants of the finder's window that turn into each other; the centre belongs to none.
double first_roundness(std::vector<double> const& cut, int radius) {
  double odd = 0, even = 0, all = 0;
  std::size_t k = 0;
  for (int y = -radius; y <= radius; ++y)
    for (int x = -radius; x <= radius; ++x, ++k) {
      if (x == 0 && y == 0) continue;
      all += std::abs(cut[k]);
      if ((y <= 0 && x > 0) || (y >= 0 && x < 0))
        odd += cut[k];
      else
        even += cut[k];
    }
  return 2 * (even - odd) / all;
}

}  // namespace

std::vector<SourceShape> measure_shapes(SegmentCutout const& cutout) {
  auto const parts = static_cast<std::size_t>(cutout.parts);
  std::vector<SourceShape> shapes(parts);
  std::vector<Moments> moments(parts);
  auto const& box = cutout.box;
  auto const each_pixel = [&](auto&& take) {
    std::size_t k = 0;
    for (std::int64_t y = 0; y < box.height(); ++y)
      for (std::int64_t x = 0; x < box.width(); ++x, ++k) {
        if (cutout.labels[k] <= 0) continue;
        auto const value = cutout.values[k];
        take(static_cast<std::size_t>(cutout.labels[k] - 1), x, y, value > 0 && std::isfinite(value) ? value : 0.0f);
      }
  };
  for (auto& shape : shapes) shape.box = {box.x1, box.y1, box.x0, box.y0};
  each_pixel([&](std::size_t part, std::int64_t x, std::int64_t y, float value) {
    auto& shape = shapes[part];
    ++shape.pixels;
    shape.box = {std::min(shape.box.x0, box.x0 + x), std::min(shape.box.y0, box.y0 + y),
                 std::max(shape.box.x1, box.x0 + x + 1), std::max(shape.box.y1, box.y0 + y + 1)};
    auto& moment = moments[part];
    auto const weight = static_cast<double>(value);
    moment.sum += weight;
    moment.x += weight * static_cast<double>(x);
    moment.y += weight * static_cast<double>(y);
  });
  for (auto& moment : moments) {
    moment.x /= moment.sum;
    moment.y /= moment.sum;
  }
  each_pixel([&](std::size_t part, std::int64_t x, std::int64_t y, float value) {
    auto& moment = moments[part];
    double const weight = static_cast<double>(value), dx = static_cast<double>(x) - moment.x,
                 dy = static_cast<double>(y) - moment.y;
    moment.xx += weight * dx * dx;
    moment.xy += weight * dx * dy;
    moment.yy += weight * dy * dy;
  });
  for (std::size_t part = 0; part < parts; ++part) {
    shapes[part].x = moments[part].x + static_cast<double>(box.x0);
    shapes[part].y = moments[part].y + static_cast<double>(box.y0);
    describe_ellipse(moments[part], shapes[part]);
  }
  return shapes;
}

Pointedness measure_pointedness(ImageWindow const& window, double x, double y, FinderKernel const& kernel) {
  if (!std::isfinite(x) || !std::isfinite(y)) return {};
  auto const column = static_cast<std::int64_t>(std::floor(x + 0.5)),
             row = static_cast<std::int64_t>(std::floor(y + 0.5));
  int const radius = kernel.radius;
  std::vector<double> matched;
  double sum = 0;
  std::int64_t pixels = 0;
  std::size_t k = 0;
  for (int dy = -radius; dy <= radius; ++dy)
    for (int dx = -radius; dx <= radius; ++dx, ++k) {
      matched.push_back(matched_at(window, column + dx, row + dy, kernel));
      // As the reference multiplies: a NaN outside the footprint counts as well.
      sum += static_cast<double>(kernel.footprint[k]) * value_at(window, column + dx, row + dy);
      pixels += kernel.footprint[k];
    }
  double const peak = value_at(window, column, row);
  double const centre = matched[matched.size() / 2];
  return {(peak - (sum - peak) / static_cast<double>(pixels - 1)) / centre, first_roundness(matched, radius)};
}

}  // namespace tessera::kernels
