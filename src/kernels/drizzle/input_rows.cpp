#include "input_rows.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace tessera::kernels {

namespace {

using drizzle::InputRows;
using model::PixelMap;

constexpr int Size = PixelMap::PatchSize;

/// Range of a Chebyshev series on its patch (every |T| <= 1), and its largest change from one pixel to the next.
struct SeriesBounds {
  double low = 0, high = 0, change = 0;
};

SeriesBounds bound_series(std::vector<double> const& coefficients, int degree) {
  double spread = 0, change = 0;
  for (int j = 0; j <= degree; ++j)
    for (int i = 0; i <= degree; ++i) {
      double const size = std::abs(coefficients[static_cast<std::size_t>(j * (degree + 1) + i)]);
      if (i + j > 0) spread += size;
      change += size * (i * i + j * j) * (2.0 / Size);  // |T_n'| <= n^2
    }
  return {coefficients[0] - spread, coefficients[0] + spread, change};
}

/// Values of u for which a0 + a1 u + (something no larger than `rest`) can lie in [low, high]; narrows [u0, u1].
void narrow(std::array<double, PixelMap::MaxDegree + 1> const& series, int degree, double low, double high, double& u0,
            double& u1) {
  double rest = 0;
  for (int i = 2; i <= degree; ++i) rest += std::abs(series[static_cast<std::size_t>(i)]);
  double const slope = degree > 0 ? series[1] : 0.0;
  double const begin = low - rest - series[0], end = high + rest - series[0];
  if (std::abs(slope) < 1e-9) {
    if (begin > 1e-6 || end < -1e-6) u1 = u0 - 1;
    return;
  }
  u0 = std::max(u0, std::min(begin / slope, end / slope));
  u1 = std::min(u1, std::max(begin / slope, end / slope));
}

}  // namespace

namespace drizzle {

double half_width(DrizzleOptions const& options, double change) {
  double const ratio = options.pixel_scale_ratio;
  if (options.pixfrac <= 0.001) return 0.5;
  switch (options.kernel) {
    case DrizzleKernel::Square:
      return 0.5 * options.pixfrac * change * 1.1;  // 1.1: corners extrapolated at the border
    case DrizzleKernel::Turbo:
      return 0.5 * options.pixfrac / ratio;
    case DrizzleKernel::Point:
      return 0.5;
    case DrizzleKernel::Gaussian:
      return std::max(2.5 * options.pixfrac / 2.3548 / ratio, 1.2 / ratio);
    case DrizzleKernel::Lanczos2:
      return 2 / ratio;
    case DrizzleKernel::Lanczos3:
      return 3 / ratio;
  }
  return 0.5;
}

void find_input_rows(PixelMap const& map, model::PixelBox const& box, DrizzleOptions const& options, InputRows& rows) {
  auto const valid = model::intersect(map.valid, {0, 0, map.nx, map.ny});
  std::int64_t const row_count = map.ny;
  rows.begin.assign(static_cast<std::size_t>(row_count), map.nx);
  rows.end.assign(static_cast<std::size_t>(row_count), 0);
  std::int64_t first_row = row_count, last_row = -1;
  for (std::int64_t patch_row = valid.y0 / Size; !valid.empty() && patch_row * Size < valid.y1; ++patch_row)
    for (std::int64_t patch_column = valid.x0 / Size; patch_column * Size < valid.x1; ++patch_column) {
      auto const& patch = map.patches[static_cast<std::size_t>(patch_row * map.patch_columns() + patch_column)];
      if (!patch.finite) continue;
      int const degree = patch.degree;
      auto const bx = bound_series(patch.x, degree), by = bound_series(patch.y, degree);
      // Output pixels reach half a pixel beyond their centres; a tenth more for rounding.
      double const mx = half_width(options, bx.change) + 0.6, my = half_width(options, by.change) + 0.6;
      double const x_low = static_cast<double>(box.x0) - mx, x_high = static_cast<double>(box.x1 - 1) + mx;
      double const y_low = static_cast<double>(box.y0) - my, y_high = static_cast<double>(box.y1 - 1) + my;
      if (bx.high < x_low || bx.low > x_high || by.high < y_low || by.low > y_high) continue;
      std::int64_t const corner_x = patch_column * Size, corner_y = patch_row * Size;
      std::int64_t const y_begin = std::max(valid.y0, corner_y), y_end = std::min(valid.y1, corner_y + Size);
      for (std::int64_t y = y_begin; y < y_end; ++y) {
        double const v = (2.0 * static_cast<double>(y - corner_y) + 1.0) / Size - 1.0;
        std::array<double, PixelMap::MaxDegree + 1> sx{}, sy{};
        double t0 = 1, t1 = v;
        for (int j = 0; j <= degree; ++j) {
          for (int i = 0; i <= degree; ++i) {
            auto const at = static_cast<std::size_t>(j * (degree + 1) + i);
            sx[static_cast<std::size_t>(i)] += patch.x[at] * t0;
            sy[static_cast<std::size_t>(i)] += patch.y[at] * t0;
          }
          double const t2 = 2 * v * t1 - t0;
          t0 = t1;
          t1 = t2;
        }
        double u0 = -1, u1 = 1;
        narrow(sx, degree, x_low, x_high, u0, u1);
        narrow(sy, degree, y_low, y_high, u0, u1);
        if (u0 > u1) continue;
        auto const begin = corner_x + static_cast<std::int64_t>(std::floor((u0 + 1) * (0.5 * Size) - 0.5));
        auto const end = corner_x + static_cast<std::int64_t>(std::ceil((u1 + 1) * (0.5 * Size) - 0.5)) + 1;
        auto const k = static_cast<std::size_t>(y);
        rows.begin[k] = std::min(rows.begin[k], std::max({begin, corner_x, valid.x0}));
        rows.end[k] = std::max(rows.end[k], std::min({end, corner_x + Size, valid.x1}));
        if (rows.begin[k] < rows.end[k]) first_row = std::min(first_row, y), last_row = std::max(last_row, y);
      }
    }
  rows.y0 = 0;
  rows.y1 = 0;
  if (last_row < first_row) return;
  auto const cut = [&](std::vector<std::int64_t>& values) {
    std::copy(values.begin() + first_row, values.begin() + last_row + 1, values.begin());
    values.resize(static_cast<std::size_t>(last_row + 1 - first_row));
  };
  cut(rows.begin);
  cut(rows.end);
  rows.y0 = first_row;
  rows.y1 = last_row + 1;
}

}  // namespace drizzle

double reach(DrizzleOptions const& options, double magnification) {
  // The change in x and y together is at most sqrt(2) times the magnification; the pixel's own half diagonal is 0.71.
  return std::sqrt(2.0) * drizzle::half_width(options, std::sqrt(2.0) * magnification) + 0.85;
}

}  // namespace tessera::kernels
