#include "tessera/kernels/effective_psf.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "tessera/core/contract.hpp"

namespace tessera::kernels {

namespace {

/// Values at equal steps to the coefficients of the cubic B-spline through them, mirrored at the ends (Unser 1999).
void filter_line(double* line, std::ptrdiff_t step, int count) {
  double const pole = std::sqrt(3.0) - 2;
  double const gain = (1 - pole) * (1 - 1 / pole);
  auto const at = [&](int k) -> double& { return line[k * step]; };
  for (int k = 0; k < count; ++k) at(k) *= gain;
  double first = at(0), power = pole;
  int const period = 2 * count - 2;
  for (int k = 1; k < 30; ++k, power *= pole) first += power * at(std::min(k % period, period - k % period));
  at(0) = first;
  for (int k = 1; k < count; ++k) at(k) += pole * at(k - 1);
  at(count - 1) = pole / (pole * pole - 1) * (at(count - 1) + pole * at(count - 2));
  for (int k = count - 2; k >= 0; --k) at(k) = pole * (at(k + 1) - at(k));
}

/// Cubic B-spline at the four nodes around t, 0 <= t < 1, and its derivatives.
struct SplineWeights {
  std::array<double, 4> value, slope;
  explicit SplineWeights(double t) {
    double const u = 1 - t;
    value = {u * u * u / 6, 2.0 / 3 - t * t * (2 - t) / 2, 2.0 / 3 - u * u * (2 - u) / 2, t * t * t / 6};
    slope = {-u * u / 2, t * (1.5 * t - 2), -u * (1.5 * u - 2), t * t / 2};
  }
};

}  // namespace

EffectivePsf::EffectivePsf(int radius, std::vector<double> samples) : radius_(radius), samples_(std::move(samples)) {
  int const n = side();
  TESSERA_EXPECT(radius >= 1 && samples_.size() == static_cast<std::size_t>(n) * static_cast<std::size_t>(n));
  int const wide = n + 2;
  spline_.assign(static_cast<std::size_t>(wide) * static_cast<std::size_t>(wide), 0);
  auto const place = [&](int x, int y) { return static_cast<std::size_t>((y + 1) * wide + x + 1); };
  for (int y = 0; y < n; ++y)
    for (int x = 0; x < n; ++x) spline_[place(x, y)] = samples_[static_cast<std::size_t>(y * n + x)];
  for (int y = 0; y < n; ++y) filter_line(&spline_[place(0, y)], 1, n);
  for (int x = 0; x < n; ++x) filter_line(&spline_[place(x, 0)], wide, n);
  for (int y = 0; y < n; ++y) {
    spline_[place(-1, y)] = spline_[place(1, y)];
    spline_[place(n, y)] = spline_[place(n - 2, y)];
  }
  for (int x = -1; x <= n; ++x) {
    spline_[place(x, -1)] = spline_[place(x, 1)];
    spline_[place(x, n)] = spline_[place(x, n - 2)];
  }
}

EffectivePsf::Value EffectivePsf::at(double dx, double dy) const {
  double const u = (dx + centre_x_ + radius_) * Oversampling, v = (dy + centre_y_ + radius_) * Oversampling;
  int const n = side();
  if (!(u >= 0 && v >= 0 && u <= n - 1 && v <= n - 1)) return {};
  int const column = std::min(static_cast<int>(u), n - 2), row = std::min(static_cast<int>(v), n - 2);
  SplineWeights const x(u - column), y(v - row);
  Value found;
  for (std::size_t j = 0; j < 4; ++j) {
    double const* const line = &spline_[(static_cast<std::size_t>(row) + j) * static_cast<std::size_t>(n + 2) +
                                        static_cast<std::size_t>(column)];
    double const value = (x.value[0] * line[0] + x.value[1] * line[1]) + (x.value[2] * line[2] + x.value[3] * line[3]);
    double const slope = (x.slope[0] * line[0] + x.slope[1] * line[1]) + (x.slope[2] * line[2] + x.slope[3] * line[3]);
    found.value += y.value[j] * value;
    found.dx += y.value[j] * slope;
    found.dy += y.slope[j] * value;
  }
  found.dx *= Oversampling;
  found.dy *= Oversampling;
  return found;
}

double EffectivePsf::light_within(double radius) const {
  double sum = 0;
  int const n = side(), half = Oversampling * radius_;
  for (int y = 0; y < n; ++y)
    for (int x = 0; x < n; ++x) {
      double const dx = static_cast<double>(x - half) / Oversampling - centre_x_;
      double const dy = static_cast<double>(y - half) / Oversampling - centre_y_;
      if (dx * dx + dy * dy <= radius * radius) sum += samples_[static_cast<std::size_t>(y * n + x)];
    }
  return sum / (Oversampling * Oversampling);
}

void EffectivePsf::centre(double window_fwhm) {
  double const sigma = window_fwhm / std::sqrt(8 * std::log(2.0));
  int const n = side(), half = Oversampling * radius_;
  for (int iteration = 0; iteration < 50; ++iteration) {
    double sum = 0, sum_x = 0, sum_y = 0;
    for (int y = 0; y < n; ++y)
      for (int x = 0; x < n; ++x) {
        double const dx = static_cast<double>(x - half) / Oversampling - centre_x_;
        double const dy = static_cast<double>(y - half) / Oversampling - centre_y_;
        double const weight =
            samples_[static_cast<std::size_t>(y * n + x)] * std::exp(-(dx * dx + dy * dy) / (2 * sigma * sigma));
        sum += weight;
        sum_x += weight * dx;
        sum_y += weight * dy;
      }
    if (!(sum > 0)) return;
    double const move_x = 2 * sum_x / sum, move_y = 2 * sum_y / sum;  // a window halves a shift of a like Gaussian
    if (!(std::hypot(centre_x_ + move_x, centre_y_ + move_y) < 0.5 * radius_)) return;
    centre_x_ += move_x;
    centre_y_ += move_y;
    if (std::hypot(move_x, move_y) < 1e-9) return;
  }
}

double EffectivePsf::fwhm() const {
  double const half = at(0, 0).value / 2;
  double sum = 0;
  for (int direction = 0; direction < 4; ++direction) {
    double const ux = direction == 0 ? 1 : direction == 1 ? -1 : 0, uy = direction == 2 ? 1 : direction == 3 ? -1 : 0;
    double r = 0;
    while (r < radius_ && at(r * ux, r * uy).value > half) r += 1.0 / 64;
    if (r >= radius_) return 0;
    sum += r;
  }
  return sum / 2;
}

EffectivePsf make_gaussian_psf(int radius, double sigma) {
  int const half = EffectivePsf::Oversampling * radius, n = 2 * half + 1;
  std::vector<double> line(static_cast<std::size_t>(n));
  double const scale = 1 / (std::sqrt(2.0) * sigma);
  for (int k = 0; k < n; ++k) {
    double const offset = static_cast<double>(k - half) / EffectivePsf::Oversampling;
    line[static_cast<std::size_t>(k)] = (std::erf((offset + 0.5) * scale) - std::erf((offset - 0.5) * scale)) / 2;
  }
  std::vector<double> samples;
  for (double const y : line)
    for (double const x : line) samples.push_back(x * y);
  return {radius, std::move(samples)};
}

}  // namespace tessera::kernels
