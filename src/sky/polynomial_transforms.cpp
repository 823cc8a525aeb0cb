#include "tessera/sky/polynomial_transforms.hpp"

#include <algorithm>

#include "tessera/core/contract.hpp"

namespace tessera::sky {

namespace {

/// Input mapped from domain to window, in a block.
double const* map_range(PolynomialRange const& range, std::size_t count, double const* in, double* mapped) {
  if (range.is_trivial()) return in;
  double const slope = (range.window[1] - range.window[0]) / (range.domain[1] - range.domain[0]);
  for (std::size_t k = 0; k < count; ++k) mapped[k] = range.window[0] + (in[k] - range.domain[0]) * slope;
  return mapped;
}

}  // namespace

Polynomial1D::Polynomial1D(std::vector<double> coefficients, PolynomialRange const& range)
    : coefficients_(std::move(coefficients)), range_(range) {
  TESSERA_EXPECT(!coefficients_.empty());
}

void Polynomial1D::evaluate(std::size_t count, double const* const* in, double* const* out) const {
  double mapped[BlockPoints];
  for (std::size_t start = 0; start < count; start += BlockPoints) {
    std::size_t const points = std::min(BlockPoints, count - start);
    double const* const x = map_range(range_, points, in[0] + start, mapped);
    double* const sum = out[0] + start;
    std::fill_n(sum, points, coefficients_.back());
    for (std::size_t i = coefficients_.size() - 1; i-- > 0;) {
      double const coefficient = coefficients_[i];
      for (std::size_t k = 0; k < points; ++k) sum[k] = sum[k] * x[k] + coefficient;
    }
  }
}

Polynomial2D::Polynomial2D(int degree, std::vector<double> coefficients, std::array<PolynomialRange, 2> const& ranges)
    : degree_(degree), coefficients_(std::move(coefficients)), ranges_(ranges) {
  auto const side = static_cast<std::size_t>(degree) + 1;
  TESSERA_EXPECT(degree >= 0 && coefficients_.size() == side * side);
}

void Polynomial2D::evaluate(std::size_t count, double const* const* in, double* const* out) const {
  // Horner in x of Horner in y. The points are the inner loop, so that it vectorizes whatever the degree.
  double mapped_x[BlockPoints], mapped_y[BlockPoints], row[BlockPoints], total[BlockPoints];
  auto const side = static_cast<std::size_t>(degree_) + 1;
  for (std::size_t start = 0; start < count; start += BlockPoints) {
    std::size_t const points = std::min(BlockPoints, count - start);
    double const* const x = map_range(ranges_[0], points, in[0] + start, mapped_x);
    double const* const y = map_range(ranges_[1], points, in[1] + start, mapped_y);
    std::fill_n(total, points, 0.0);
    for (std::size_t i = side; i-- > 0;) {
      std::size_t const highest = side - 1 - i;
      double const* const c = coefficients_.data() + i * side;
      std::fill_n(row, points, c[highest]);
      for (std::size_t j = highest; j-- > 0;) {
        double const coefficient = c[j];
        for (std::size_t k = 0; k < points; ++k) row[k] = row[k] * y[k] + coefficient;
      }
      for (std::size_t k = 0; k < points; ++k) total[k] = total[k] * x[k] + row[k];
    }
    std::copy_n(total, points, out[0] + start);
  }
}

}  // namespace tessera::sky
