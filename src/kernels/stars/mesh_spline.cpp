#include "mesh_spline.hpp"

#include <algorithm>

namespace tessera::kernels {

namespace {

/// Cell `k` of a mesh of n cells continued by reflection.
std::int64_t reflect(std::int64_t k, std::int64_t n) {
  std::int64_t const period = 2 * n;
  k = ((k % period) + period) % period;
  return k < n ? k : period - 1 - k;
}

/// Solves (c[k-1] + 4 c[k] + c[k+1]) / 6 = s[k] with c[-1] = c[0] and c[n] = c[n-1], in place.
void solve_line(double* values, std::int64_t n, std::int64_t stride) {
  if (n < 2) return;
  std::vector<double> upper(static_cast<std::size_t>(n));
  double before = 0, upper_before = 0;
  for (std::int64_t k = 0; k < n; ++k) {
    double const diagonal = (k == 0 || k == n - 1) ? 5 : 4;
    double const pivot = diagonal - (k > 0 ? upper_before : 0);
    upper_before = 1 / pivot;
    before = (6 * values[k * stride] - before) / pivot;
    upper[static_cast<std::size_t>(k)] = upper_before;
    values[k * stride] = before;
  }
  for (std::int64_t k = n - 2; k >= 0; --k)
    values[k * stride] -= upper[static_cast<std::size_t>(k)] * values[(k + 1) * stride];
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

}  // namespace

std::vector<double> find_spline_coefficients(std::vector<double> mesh, std::int64_t mesh_nx, std::int64_t mesh_ny) {
  for (std::int64_t y = 0; y < mesh_ny; ++y) solve_line(mesh.data() + y * mesh_nx, mesh_nx, 1);
  for (std::int64_t x = 0; x < mesh_nx; ++x) solve_line(mesh.data() + x, mesh_ny, mesh_nx);
  return mesh;
}

SplineAxis::SplineAxis(std::int64_t pixels, std::int64_t box) : pixels_(pixels), box_(box) {
  for (auto& weights : weights_) weights.resize(static_cast<std::size_t>(pixels));
  for (std::int64_t p = 0; p < pixels; ++p) {
    // half pixels: the place in the mesh is whole numbers over 2 box, its whole part exact
    auto const k = static_cast<std::size_t>(p);
    std::int64_t const place = 2 * p + 1 - box_, cell = floor_divide(place, 2 * box_);
    double const f = static_cast<double>(place - cell * 2 * box_) / static_cast<double>(2 * box_), g = 1 - f;
    weights_[0][k] = g * g * g / 6;
    weights_[1][k] = (4 - 3 * f * f * (1 + g)) / 6;
    weights_[2][k] = (4 - 3 * g * g * (1 + f)) / 6;
    weights_[3][k] = f * f * f / 6;
  }
}

std::int64_t SplineAxis::first_cell(std::int64_t pixel) const {
  return floor_divide(2 * pixel + 1 - box_, 2 * box_) - 1;
}

void evaluate_spline_row(std::vector<double> const& coefficients, std::int64_t mesh_nx, std::int64_t mesh_ny,
                         SplineAxis const& axis_x, SplineAxis const& axis_y, std::int64_t y, double low, double high,
                         std::vector<double>& line, float* out) {
  constexpr std::int64_t Margin = 2;
  line.assign(static_cast<std::size_t>(mesh_nx + 2 * Margin), 0.0);
  std::int64_t const first_row = axis_y.first_cell(y);
  for (int k = 0; k < 4; ++k) {
    double const weight = axis_y.weights(k)[static_cast<std::size_t>(y)];
    double const* const row = coefficients.data() + reflect(first_row + k, mesh_ny) * mesh_nx;
    for (std::int64_t x = -Margin; x < mesh_nx + Margin; ++x)
      line[static_cast<std::size_t>(x + Margin)] += weight * row[reflect(x, mesh_nx)];
  }
  double const* const w0 = axis_x.weights(0).data();
  double const* const w1 = axis_x.weights(1).data();
  double const* const w2 = axis_x.weights(2).data();
  double const* const w3 = axis_x.weights(3).data();
  std::int64_t const pixels = axis_x.pixels();
  for (std::int64_t x0 = 0; x0 < pixels;) {
    std::int64_t const cell = axis_x.first_cell(x0);
    // pixels of the same four cells: up to the next cell centre, at 2 x + 1 >= box (2 cell + 5)
    std::int64_t const next = (axis_x.box() * (2 * cell + 5)) / 2;
    std::int64_t const x1 = std::min(pixels, next);
    double const* const c = line.data() + cell + Margin;
    double const c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3];
    for (std::int64_t x = x0; x < x1; ++x) {
      double const value = (w0[x] * c0 + w1[x] * c1) + (w2[x] * c2 + w3[x] * c3);
      out[x] = static_cast<float>(std::min(std::max(value, low), high));
    }
    x0 = x1;
  }
}

}  // namespace tessera::kernels
