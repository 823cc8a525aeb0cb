#include "peak_shapes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tessera::kernels {

namespace {

constexpr double NaN = std::numeric_limits<double>::quiet_NaN();

struct MarginalFit {
  double height = NaN, offset = NaN;
};

/// Fits the sums across one axis. `step_along` and `step_across` are those of the arrays; `sign` is that of the
/// coordinate in the mean that is taken where the fit leaves the cut: the reference's differs from axis to axis.
MarginalFit fit_marginal(Cut const& data, FinderKernel const& kernel, int step_along, int step_across, double sign) {
  int const radius = kernel.radius;
  double T = 0, A1 = 0, A2 = 0, B1 = 0, B2 = 0, AB = 0, P = 0, PA = 0, PB = 0, mean = 0;
  for (int o = -radius; o <= radius; ++o) {
    double g = 0, p = 0;
    for (int across = -radius; across <= radius; ++across) {
      auto const k = static_cast<std::size_t>((o + radius) * step_along + (across + radius) * step_across);
      double const weight = radius + 1 - std::abs(across);
      g += weight * kernel.gaussian[k];
      p += weight * data[k];
    }
    double const weight = radius + 1 - std::abs(o), slope = -o * g;
    T += weight;
    A1 += weight * g;
    A2 += weight * g * g;
    B1 += weight * slope;
    B2 += weight * slope * slope;
    AB += weight * g * slope;
    P += weight * p;
    PA += weight * p * g;
    PB += weight * p * slope;
    mean += weight * p * (sign * o);
  }
  double const numerator = PA - P * A1 / T, denominator = A2 - A1 * A1 / T;
  if (!(numerator > 0) || !(denominator > 0)) return {};
  MarginalFit fit;
  fit.height = numerator / denominator;
  fit.offset = (AB - (PB - B1 * P)) / (fit.height * B2 / (kernel.sigma * kernel.sigma));
  double const farthest = radius + 0.5;
  if (std::abs(fit.offset) > farthest) {
    fit.offset = P == 0 ? 0 : mean / P;
    if (std::abs(fit.offset) > farthest) fit.offset = 0;
  }
  return fit;
}

/// Difference of the quadrants of the convolved image over the sum of its magnitudes.
double measure_symmetry(Cut const& convolved, FinderKernel const& kernel) {
  int const radius = kernel.radius, side = kernel.side();
  double quadrants = 0, magnitudes = 0;
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x) {
      if (x == radius && y == radius) continue;
      double const value = convolved[static_cast<std::size_t>(y * side + x)];
      magnitudes += std::abs(value);
      bool const first = y <= radius && x > radius, third = y >= radius && x < radius;
      quadrants += first || third ? -value : value;
    }
  return 2 * quadrants / magnitudes;
}

/// Mean outside the footprint. A footprint may fill its square (FWHM 4.44 to 4.7 pixels at sigma_radius 1.5); the
/// corners, which are all that is outside of a slightly smaller one, are the sky then.
double measure_sky(Cut const& data, FinderKernel const& kernel) {
  double sum = 0, pixels = 0;
  for (std::size_t k = 0; k < data.size(); ++k)
    if (!kernel.footprint[k]) {
      sum += data[k];
      ++pixels;
    }
  if (pixels > 0) return sum / pixels;
  auto const last = static_cast<std::size_t>(kernel.side() - 1), corner = data.size() - 1;
  return (data[0] + data[last] + data[corner - last] + data[corner]) / 4;
}

}  // namespace

IrafShape measure_iraf_shape(Cut const& data, FinderKernel const& kernel, double fwhm) {
  int const radius = kernel.radius, side = kernel.side();
  IrafShape shape;
  shape.sky = measure_sky(data, kernel);
  double sum_x = 0, sum_y = 0;
  Cut above(data.size(), 0.0);
  for (int y = -radius; y <= radius; ++y)
    for (int x = -radius; x <= radius; ++x) {
      auto const k = static_cast<std::size_t>((y + radius) * side + x + radius);
      double const value = data[k] - shape.sky;
      if (!kernel.footprint[k] || value < 0) continue;  // NaN stays
      above[k] = value;
      shape.pixels += value != 0 ? 1 : 0;
      shape.peak = std::max(shape.peak, value);
      shape.flux += value;
      sum_x += value * x;
      sum_y += value * y;
    }
  shape.x = sum_x / shape.flux;
  shape.y = sum_y / shape.flux;
  double xx = 0, yy = 0, xy = 0;
  for (int y = -radius; y <= radius; ++y)
    for (int x = -radius; x <= radius; ++x) {
      double const value = above[static_cast<std::size_t>((y + radius) * side + x + radius)], dx = x - shape.x,
                   dy = y - shape.y;
      xx += value * dx * dx;
      yy += value * dy * dy;
      xy += value * dx * dy;
    }
  xx /= shape.flux;
  yy /= shape.flux;
  xy /= shape.flux;
  shape.fwhm = 2 * std::sqrt(std::log(2.0) * (xx + yy));
  shape.sharpness = shape.fwhm / fwhm;
  shape.roundness = std::sqrt((xx - yy) * (xx - yy) + 4 * xy * xy) / (xx + yy);
  return shape;
}

DaoShape measure_dao_shape(Cut const& data, Cut const& convolved, FinderKernel const& kernel) {
  int const side = kernel.side();
  auto const centre = static_cast<std::size_t>(kernel.radius * side + kernel.radius);
  DaoShape shape;
  double footprint = 0, pixels = 0;
  for (std::size_t k = 0; k < data.size(); ++k) {
    shape.flux += data[k];
    if (!kernel.footprint[k]) continue;
    footprint += data[k];
    ++pixels;
  }
  shape.peak = data[centre];
  shape.sharpness = (shape.peak - (footprint - shape.peak) / (pixels - 1)) / convolved[centre];
  shape.roundness1 = measure_symmetry(convolved, kernel);
  auto const fit_x = fit_marginal(data, kernel, 1, side, -1), fit_y = fit_marginal(data, kernel, side, 1, 1);
  shape.x = fit_x.offset;
  shape.y = fit_y.offset;
  shape.height_x = fit_x.height;
  shape.height_y = fit_y.height;
  shape.roundness2 = 2 * (fit_x.height - fit_y.height) / (fit_x.height + fit_y.height);
  return shape;
}

}  // namespace tessera::kernels
