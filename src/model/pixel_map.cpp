#include "tessera/model/pixel_map.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "tessera/core/contract.hpp"

namespace tessera::model {

namespace {

constexpr int Size = PixelMap::PatchSize;
constexpr int MaxDegree = PixelMap::MaxDegree;
using Series = std::array<double, MaxDegree + 1>;

/// Scaled coordinate of the pixels of a patch: exact in binary.
constexpr std::array<double, Size> ScaledCoordinate = [] {
  std::array<double, Size> u{};
  for (int k = 0; k < Size; ++k) u[static_cast<std::size_t>(k)] = (2.0 * k + 1.0) / Size - 1.0;
  return u;
}();

/// Monomial coefficients of the Chebyshev polynomials: Monomials[k][i] is the factor of u^i in T_k.
constexpr std::array<Series, MaxDegree + 1> Monomials = [] {
  std::array<Series, MaxDegree + 1> t{};
  t[0][0] = 1;
  t[1][1] = 1;
  for (std::size_t k = 2; k <= MaxDegree; ++k)
    for (std::size_t i = 0; i <= k; ++i) t[k][i] = (i > 0 ? 2 * t[k - 1][i - 1] : 0) - t[k - 2][i];
  return t;
}();

/// The y direction of the sum at scaled row v, and the remaining series in u as a power series. The high coefficients
/// of a smooth map are tiny, so that powers lose nothing that matters here and cost a third less a pixel than Clenshaw.
template <int Degree>
void collapse(std::vector<double> const& coefficients, std::array<double, Degree + 1> const& t,
              std::array<double, Degree + 1>& power) {
  constexpr std::size_t N = Degree + 1;
  std::array<double, N> series{};
  for (std::size_t j = 0; j < N; ++j)
    for (std::size_t i = 0; i < N; ++i) series[i] += coefficients[j * N + i] * t[j];
  power = {};
  for (std::size_t k = 0; k < N; ++k)
    for (std::size_t i = k % 2; i <= k; i += 2) power[i] += series[k] * Monomials[k][i];
}

/// Pixels [first, last) of row `row` of a patch, counted from the patch's corner.
template <int Degree>
void evaluate_patch(PixelMap::Patch const& patch, int row, int first, int last, double* X, double* Y) {
  std::array<double, Degree + 1> t{}, px{}, py{};
  double const v = ScaledCoordinate[static_cast<std::size_t>(row)];
  t[0] = 1;
  if constexpr (Degree > 0) t[1] = v;
  for (std::size_t j = 2; j <= Degree; ++j) t[j] = 2 * v * t[j - 1] - t[j - 2];
  collapse<Degree>(patch.x, t, px);
  collapse<Degree>(patch.y, t, py);
  double const* const __restrict u = ScaledCoordinate.data() + first;
  double* const __restrict out_x = X;
  double* const __restrict out_y = Y;
  int const count = last - first;
  for (int k = 0; k < count; ++k) {
    double x = px[Degree], y = py[Degree];
#pragma GCC unroll 32
    for (int i = Degree - 1; i >= 0; --i) {
      x = x * u[k] + px[static_cast<std::size_t>(i)];
      y = y * u[k] + py[static_cast<std::size_t>(i)];
    }
    out_x[k] = x;
    out_y[k] = y;
  }
}

using Evaluator = void (*)(PixelMap::Patch const&, int, int, int, double*, double*);
template <int... Degrees>
constexpr std::array<Evaluator, sizeof...(Degrees)> make_evaluators(std::integer_sequence<int, Degrees...>) {
  return {&evaluate_patch<Degrees>...};
}
/// One evaluator a degree: with the degree known to the compiler the loop over pixels becomes straight vector code.
constexpr auto Evaluators = make_evaluators(std::make_integer_sequence<int, MaxDegree + 1>{});

}  // namespace

void PixelMap::evaluate_row(std::int64_t y, std::int64_t x0, std::int64_t x1, double* X, double* Y) const {
  constexpr double NaN = std::numeric_limits<double>::quiet_NaN();
  if (x1 <= x0) return;
  bool const inside = y >= std::max<std::int64_t>(0, valid.y0) && y < std::min(ny, valid.y1);
  std::int64_t const begin = std::clamp(std::max<std::int64_t>(0, valid.x0), x0, x1);
  std::int64_t const end = inside ? std::clamp(std::min(nx, valid.x1), begin, x1) : begin;
  std::fill(X, X + (begin - x0), NaN);
  std::fill(Y, Y + (begin - x0), NaN);
  for (std::int64_t x = begin; x < end;) {
    std::int64_t const column = x / PatchSize, corner = column * PatchSize, stop = std::min(end, corner + PatchSize);
    auto const& patch = patches[static_cast<std::size_t>((y / PatchSize) * patch_columns() + column)];
    if (patch.finite) {
      TESSERA_EXPECT(patch.degree >= 0 && patch.degree <= MaxDegree);
      Evaluators[static_cast<std::size_t>(patch.degree)](patch, static_cast<int>(y % PatchSize),
                                                         static_cast<int>(x - corner), static_cast<int>(stop - corner),
                                                         X + (x - x0), Y + (x - x0));
    } else {
      std::fill(X + (x - x0), X + (stop - x0), NaN);
      std::fill(Y + (x - x0), Y + (stop - x0), NaN);
    }
    x = stop;
  }
  std::fill(X + (end - x0), X + (x1 - x0), NaN);
  std::fill(Y + (end - x0), Y + (x1 - x0), NaN);
}

}  // namespace tessera::model
