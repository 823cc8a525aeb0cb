#include "robust_fit.hpp"

#include <algorithm>
#include <cmath>

namespace tessera::exchange {

namespace {

constexpr int Passes = 30;
constexpr double Converged = 1e-7;  // arcsec
constexpr double Cut2 = 25;         // of the squared misfit
constexpr double LeastWeight = 0.05;
constexpr double MedianRadius2 = 1.3862943611198906;  // of two normal deviates: 2 ln 2

double median_of(std::vector<double> values) {
  auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Squares of the misfits of all pairs.
std::vector<double> squared_misfits(std::span<kernels::PlanePosition const> image,
                                    std::span<kernels::PlanePosition const> reference,
                                    kernels::PositionFit const& fit) {
  std::vector<double> squares;
  auto const& m = fit.matrix;
  for (std::size_t k = 0; k < image.size(); ++k) {
    double const x = reference[k].x - (m[0][0] * image[k].x + m[0][1] * image[k].y + fit.shift[0]);
    double const y = reference[k].y - (m[1][0] * image[k].x + m[1][1] * image[k].y + fit.shift[1]);
    squares.push_back(x * x + y * y);
  }
  return squares;
}

double find_floor(std::vector<double> const& squares, std::span<double const> variances) {
  auto const excess = [&](double floor) {
    std::vector<double> ratios;
    for (std::size_t k = 0; k < squares.size(); ++k) ratios.push_back(squares[k] / (variances[k] + floor));
    return median_of(std::move(ratios)) - MedianRadius2;
  };
  double low = 0, high = median_of(squares);
  if (excess(0) <= 0) return 0;
  for (int pass = 0; pass < 40; ++pass) {
    double const middle = 0.5 * (low + high);
    (excess(middle) > 0 ? low : high) = middle;
  }
  return high;
}

}  // namespace

std::optional<RobustFit> fit_robustly(std::span<kernels::PlanePosition const> image,
                                      std::span<kernels::PlanePosition const> reference,
                                      std::span<double const> variances, kernels::PositionFit const& start,
                                      kernels::FitGeometry geometry) {
  RobustFit result;
  result.fit = start;
  for (int pass = 0; pass < Passes; ++pass) {
    auto const squares = squared_misfits(image, reference, result.fit);
    double const floor = find_floor(squares, variances);
    double total = 0;
    std::size_t count = 0;
    result.weights.assign(image.size(), 0.0);
    for (std::size_t k = 0; k < image.size(); ++k) {
      double const variance = variances[k] + floor, part = squares[k] / variance / Cut2;
      double const robust = part < 1 ? (1 - part) * (1 - part) : 0;
      if (robust < LeastWeight) continue;
      result.weights[k] = robust / variance;
      total += result.weights[k];
      ++count;
    }
    if (static_cast<int>(count) < kernels::least_pairs(geometry)) return std::nullopt;
    for (auto& weight : result.weights) weight *= static_cast<double>(count) / total;
    auto const before = result.fit.shift;
    auto const next = kernels::fit_positions(image, reference, result.weights, {geometry, 0, 3, 0});
    if (!next) return std::nullopt;
    result.fit = *next;
    if (std::hypot(result.fit.shift[0] - before[0], result.fit.shift[1] - before[1]) < Converged) break;
  }
  // fit_positions knows no pairs without weight apart.
  for (std::size_t k = 0; k < image.size(); ++k) result.fit.used[k] = result.weights[k] > 0;
  result.fit.count = static_cast<int>(std::count(result.fit.used.begin(), result.fit.used.end(), true));
  return result;
}

}  // namespace tessera::exchange
