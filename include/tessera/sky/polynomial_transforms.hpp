// Polynomials in one and two variables (spec 25, 1.6).
#pragma once
#include <array>
#include <vector>

#include "tessera/sky/transform.hpp"

namespace tessera::sky {

/// Linear map of an input from `domain` to `window` before a polynomial is evaluated. Equal ones: no map.
struct PolynomialRange {
  std::array<double, 2> domain{-1, 1}, window{-1, 1};
  bool is_trivial() const { return domain == window; }
};

/// sum c[i] x^i.
class Polynomial1D final : public Transform {
 public:
  explicit Polynomial1D(std::vector<double> coefficients, PolynomialRange const& range = {});
  std::vector<double> const& coefficients() const { return coefficients_; }
  PolynomialRange const& range() const { return range_; }
  int input_count() const override { return 1; }
  int output_count() const override { return 1; }
  void evaluate(std::size_t count, double const* const* in, double* const* out) const override;
  TransformPointer derived_inverse() const override { return nullptr; }
  std::string tag() const override { return "transform/polynomial"; }
  std::shared_ptr<Transform> copy() const override { return std::make_shared<Polynomial1D>(*this); }

 private:
  std::vector<double> coefficients_;
  PolynomialRange range_;
};

/// sum over i + j <= degree of c[i][j] x^i y^j; x is the first input.
class Polynomial2D final : public Transform {
 public:
  /// `coefficients` is (degree + 1)^2 long: c[i][j] at i * (degree + 1) + j.
  Polynomial2D(int degree, std::vector<double> coefficients, std::array<PolynomialRange, 2> const& ranges = {});
  int degree() const { return degree_; }
  std::vector<double> const& coefficients() const { return coefficients_; }
  std::array<PolynomialRange, 2> const& ranges() const { return ranges_; }
  int input_count() const override { return 2; }
  int output_count() const override { return 1; }
  void evaluate(std::size_t count, double const* const* in, double* const* out) const override;
  TransformPointer derived_inverse() const override { return nullptr; }
  std::string tag() const override { return "transform/polynomial"; }
  std::shared_ptr<Transform> copy() const override { return std::make_shared<Polynomial2D>(*this); }

 private:
  int degree_;
  std::vector<double> coefficients_;
  std::array<PolynomialRange, 2> ranges_;
};

}  // namespace tessera::sky
