#include "newton_inverse.hpp"

#include <array>
#include <cmath>
#include <limits>

namespace tessera::sky {

namespace {

constexpr int MaxSteps = 30;
constexpr double Tolerance = 1e-8;
constexpr double DifferenceStep = 0.01;  ///< half width of the central differences: truncation and rounding both small

double wrap_difference(double difference, bool wraps) { return wraps ? std::remainder(difference, 360.0) : difference; }

}  // namespace

void invert_by_newton(Transform const& transform, double start_x, double start_y, bool wraps, std::size_t count,
                      double const* a, double const* b, double* x, double* y) {
  constexpr double NotANumber = std::numeric_limits<double>::quiet_NaN();
  for (std::size_t k = 0; k < count; ++k) {
    double px = start_x, py = start_y;
    bool converged = false;
    for (int step = 0; step < MaxSteps && !converged; ++step) {
      std::array<double, 5> const xs{px, px + DifferenceStep, px - DifferenceStep, px, px};
      std::array<double, 5> const ys{py, py, py, py + DifferenceStep, py - DifferenceStep};
      std::array<double, 5> u{}, v{};
      double const* const in[] = {xs.data(), ys.data()};
      double* const out[] = {u.data(), v.data()};
      transform.evaluate(5, in, out);
      double const ux = wrap_difference(u[1] - u[2], wraps), uy = wrap_difference(u[3] - u[4], wraps);
      double const vx = v[1] - v[2], vy = v[3] - v[4];
      double const du = wrap_difference(a[k] - u[0], wraps), dv = b[k] - v[0];
      double const determinant = ux * vy - uy * vx;
      double const dx = 2 * DifferenceStep * (vy * du - uy * dv) / determinant;
      double const dy = 2 * DifferenceStep * (ux * dv - vx * du) / determinant;
      if (!std::isfinite(dx) || !std::isfinite(dy)) break;
      px += dx;
      py += dy;
      converged = std::abs(dx) < Tolerance && std::abs(dy) < Tolerance;
    }
    x[k] = converged ? px : NotANumber;
    y[k] = converged ? py : NotANumber;
  }
}

}  // namespace tessera::sky
