#include "tessera/simulate/point_spread.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace tessera::simulate {
namespace {

constexpr double CoreShare = 0.82, WingShare = 0.14, SpikeShare = 0.04;
constexpr double LargestRadius = 250;  ///< pixels

struct Span {
  int first, last;  ///< closed
};
Span pixels_near(double centre, double radius, int count) {
  return {std::max(0, static_cast<int>(std::ceil(centre - radius))),
          std::min(count - 1, static_cast<int>(std::floor(centre + radius)))};
}

}  // namespace

PointSpread::PointSpread(double fwhm)
    : sigma_(fwhm / (2 * std::sqrt(2 * std::numbers::ln2))),
      wing_radius_(1.6 * fwhm),
      spike_width_(std::max(0.6, 0.4 * fwhm)),
      spike_length_(7 * fwhm) {}

double PointSpread::wings(double dx, double dy) const {
  double const r2 = dx * dx + dy * dy;
  double const moffat = 1 + r2 / (wing_radius_ * wing_radius_);
  double value = WingShare / (std::numbers::pi * wing_radius_ * wing_radius_ * moffat * moffat);
  // Three lines through the centre; light along a half line: width * sqrt(2 pi) * length.
  constexpr double HalfRoot3 = 0.86602540378443864676;
  static constexpr std::array<std::array<double, 2>, 3> Lines{{{0, 1}, {HalfRoot3, 0.5}, {HalfRoot3, -0.5}}};
  double const norm = SpikeShare / (6 * std::sqrt(2 * std::numbers::pi) * spike_width_ * spike_length_);
  for (auto const& [cx, cy] : Lines) {
    double const across = (dx * cy - dy * cx) / spike_width_, along = std::abs(dx * cx + dy * cy) / spike_length_;
    if (across * across < 40) value += norm * std::exp(-0.5 * across * across - along);
  }
  return value;
}

double PointSpread::radius_to(double total, double limit) const {
  double const moffat = std::abs(total) * WingShare / (std::numbers::pi * wing_radius_ * wing_radius_) / limit;
  double const spike =
      std::abs(total) * SpikeShare / (6 * std::sqrt(2 * std::numbers::pi) * spike_width_ * spike_length_) / limit;
  double radius = 4 * sigma_ + 1;
  if (moffat > 1) radius = std::max(radius, wing_radius_ * std::sqrt(std::sqrt(moffat) - 1));
  if (spike > 1) radius = std::max(radius, spike_length_ * std::log(spike));
  return std::min(radius, LargestRadius);
}

void PointSpread::add(double x0, double y0, double total, double radius, int nx, int ny, float const* scale,
                      float* image) const {
  Span const rows = pixels_near(y0, radius, ny), columns = pixels_near(x0, radius, nx);
  if (rows.last < rows.first || columns.last < columns.first) return;
  double const unit = 1 / (sigma_ * std::numbers::sqrt2);
  auto const integrate = [&](double d) { return 0.5 * (std::erf((d + 0.5) * unit) - std::erf((d - 0.5) * unit)); };
  std::vector<double> core(static_cast<std::size_t>(columns.last - columns.first + 1));
  for (int x = columns.first; x <= columns.last; ++x)
    core[static_cast<std::size_t>(x - columns.first)] = integrate(x - x0);
  for (int y = rows.first; y <= rows.last; ++y) {
    double const dy = y - y0, core_y = CoreShare * integrate(dy);
    std::size_t const row = static_cast<std::size_t>(y) * static_cast<std::size_t>(nx);
    for (int x = columns.first; x <= columns.last; ++x) {
      double const dx = x - x0;
      if (dx * dx + dy * dy > radius * radius) continue;
      double value = total * (core[static_cast<std::size_t>(x - columns.first)] * core_y + wings(dx, dy));
      std::size_t const at = row + static_cast<std::size_t>(x);
      if (scale) value /= scale[at];
      image[at] += static_cast<float>(value);
    }
  }
}

void add_gaussian(double x0, double y0, double total, double xx, double xy, double yy, int nx, int ny,
                  float const* scale, float* image) {
  double const determinant = xx * yy - xy * xy;
  double const peak = total / (2 * std::numbers::pi * std::sqrt(determinant));
  Span const rows = pixels_near(y0, 5 * std::sqrt(yy), ny), columns = pixels_near(x0, 5 * std::sqrt(xx), nx);
  for (int y = rows.first; y <= rows.last; ++y)
    for (int x = columns.first; x <= columns.last; ++x) {
      double const dx = x - x0, dy = y - y0;
      double const q = (yy * dx * dx - 2 * xy * dx * dy + xx * dy * dy) / determinant;
      if (q > 25) continue;
      std::size_t const at = static_cast<std::size_t>(y) * static_cast<std::size_t>(nx) + static_cast<std::size_t>(x);
      double const value = peak * std::exp(-0.5 * q);
      image[at] += static_cast<float>(scale ? value / scale[at] : value);
    }
}

}  // namespace tessera::simulate
