// Kernels whose share is a function of x times a function of y (spec 30, 4.6): turbo, point, gaussian, lanczos.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "target_block.hpp"

namespace tessera::kernels::drizzle {

namespace {

/// Shares along one axis of output pixels first .. first + count - 1.
struct AxisShares {
  static constexpr int Room = 64;
  std::int64_t first = 0;
  int count = 0;
  std::array<double, Room> share;
};

/// Half away from zero, as the reference rounds. (std::round is a call into the library.)
std::int64_t round_pixel(double x) { return static_cast<std::int64_t>(x + std::copysign(0.5, x)); }

void set_range(AxisShares& axis, std::int64_t first, std::int64_t last) {
  axis.first = first;
  axis.count = static_cast<int>(std::clamp<std::int64_t>(last - first + 1, 0, AxisShares::Room));
}

struct PointAxis {
  explicit PointAxis(DrizzleOptions const&) {}
  void operator()(double x, AxisShares& axis) const {
    set_range(axis, round_pixel(x), round_pixel(x));
    axis.share[0] = 1;
  }
};

/// Overlap of an interval with the pixels; its length is 1 / (ratio / pixfrac).
class TurboAxis {
 public:
  explicit TurboAxis(DrizzleOptions const& options)
      : half_(options.pixfrac / (2 * options.pixel_scale_ratio)),
        factor_(options.pixel_scale_ratio / options.pixfrac) {}
  void operator()(double x, AxisShares& axis) const {
    double const low = x - half_, high = x + half_;
    set_range(axis, round_pixel(low), round_pixel(high));
    for (int k = 0; k < axis.count; ++k) {
      double const pixel = static_cast<double>(axis.first + k);
      axis.share[static_cast<std::size_t>(k)] =
          std::max(0.0, std::min(high, pixel + 0.5) - std::max(low, pixel - 0.5)) * factor_;
    }
  }

 private:
  double half_, factor_;
};

/// exp(-E (t + k)^2) = exp(-E t^2) exp(-2 E t)^k exp(-E k^2): two exponentials whatever the width.
class GaussianAxis {
 public:
  explicit GaussianAxis(DrizzleOptions const& options) {
    double const ratio = options.pixel_scale_ratio, pixfrac = options.pixfrac, width = 2.3548;
    half_ = std::max(2.5 * pixfrac / (width * ratio), 1.2 / ratio);
    exponent_ = width * width * ratio * ratio / (2 * pixfrac * pixfrac);
    for (std::size_t k = 0; k < steps_.size(); ++k)
      steps_[k] = std::sqrt(exponent_ / std::numbers::pi) * std::exp(-exponent_ * static_cast<double>(k * k));
  }
  void operator()(double x, AxisShares& axis) const {
    set_range(axis, round_pixel(x - half_), round_pixel(x + half_));
    // Steps are counted from the nearest pixel, so that no power grows large.
    auto const nearest = round_pixel(x);
    double const t = static_cast<double>(nearest) - x;
    double const here = std::exp(-exponent_ * t * t), up = std::exp(-2 * exponent_ * t), down = 1 / up;
    auto const centre = static_cast<int>(nearest - axis.first);
    double power = here;
    for (int k = centre; k < axis.count; ++k, power *= up)
      axis.share[static_cast<std::size_t>(k)] = power * steps_[static_cast<std::size_t>(k - centre)];
    power = here * down;
    for (int k = centre - 1; k >= 0; --k, power *= down)
      axis.share[static_cast<std::size_t>(k)] = power * steps_[static_cast<std::size_t>(centre - k)];
  }

 private:
  double half_ = 0, exponent_ = 0;
  std::array<double, AxisShares::Room> steps_{};
};

/// Windowed sinc from a table with the reference's step.
class LanczosAxis {
 public:
  static constexpr double Step = 0.003;
  LanczosAxis(DrizzleOptions const& options, int order)
      : half_(order / options.pixel_scale_ratio), ratio_(options.pixel_scale_ratio) {
    auto const count = static_cast<std::size_t>(order / Step) + 2;
    table_.assign(count, 0.0);
    table_[0] = 1;
    for (std::size_t k = 1; k < count; ++k) {
      double const z = std::numbers::pi * static_cast<double>(k) * Step;
      if (static_cast<double>(k) * Step <= order) table_[k] = std::sin(z) / z * std::sin(z / order) / (z / order);
    }
  }
  void operator()(double x, AxisShares& axis) const {
    set_range(axis, static_cast<std::int64_t>(std::floor(x - half_)) + 1,
              static_cast<std::int64_t>(std::floor(x + half_)));
    for (int k = 0; k < axis.count; ++k) {
      double const distance = std::abs(x - static_cast<double>(axis.first + k)) * ratio_;
      auto const at = static_cast<std::size_t>(distance / Step + 0.5);
      axis.share[static_cast<std::size_t>(k)] = at < table_.size() ? table_[at] : 0.0;
    }
  }

 private:
  double half_, ratio_;
  std::vector<double> table_;
};

/// Walks the input pixels; `Lobes`: shares may be negative, so that contributions are noted one by one.
template <bool Variances, bool Lobes, class Axis>
void add_pixels(DrizzleInput const& input, DrizzleOptions const& options, Axis const& axis_shares,
                InputRows const& rows, TargetBlock const& block, ExposureScratch& scratch) {
  auto const& box = block.box;
  double const frame_x = static_cast<double>(block.grid_nx) - 0.5, frame_y = static_cast<double>(block.grid_ny) - 0.5;
  std::vector<double> X, Y;
  AxisShares along_x, along_y;
  CellAdder<Variances> adder(scratch);
  std::int64_t const y_begin = std::max(rows.y0, input.y0), y_end = std::min(rows.y1, input.y1);
  for (std::int64_t y = y_begin; y < y_end; ++y) {
    if (!rows.has(y)) continue;
    std::int64_t const begin = rows.first(y), end = rows.last(y);
    X.resize(static_cast<std::size_t>(end - begin));
    Y.resize(X.size());
    input.map->evaluate_row(y, begin, end, X.data(), Y.data());
    cut_holes(input, y, begin, end, X.data(), Y.data());
    InputRow const planes(input, options, y);
    prefetch_row(input, rows, y + 1);
    for (std::int64_t x = begin; x < end; ++x) {
      double const cx = X[static_cast<std::size_t>(x - begin)], cy = Y[static_cast<std::size_t>(x - begin)];
      double const weight = planes.weight(x);
      if (!(cx >= -0.5 && cx <= frame_x && cy >= -0.5 && cy <= frame_y) || weight == 0) continue;
      axis_shares(cx, along_x);
      axis_shares(cy, along_y);
      auto const left = std::max(along_x.first, box.x0), right = std::min(along_x.first + along_x.count, box.x1);
      auto const low = std::max(along_y.first, box.y0), high = std::min(along_y.first + along_y.count, box.y1);
      if (left >= right || low >= high) continue;
      adder.set(weight, planes.value(x), planes.roots(x));
      bool const finite = adder.is_finite();  // if not, only pixels that are really reached may know
      auto const cell_row = static_cast<int>(low - box.y0) + ExposureScratch::Rim;
      scratch.touch(cell_row, static_cast<int>(high - low));
      for (auto row = low; row < high; ++row) {
        double const share_y = along_y.share[static_cast<std::size_t>(row - along_y.first)];
        std::ptrdiff_t const base = static_cast<std::ptrdiff_t>(cell_row + (row - low)) * ExposureScratch::Stride +
                                    ExposureScratch::Rim - box.x0;
        for (auto column = left; column < right; ++column) {
          double const share = along_x.share[static_cast<std::size_t>(column - along_x.first)] * share_y;
          if (!finite && share == 0) continue;
          adder.add(base + column, share);
          if constexpr (Lobes) {
            if (share * weight > 0) scratch.contributed[static_cast<std::size_t>(base + column)] = 1;
          }
        }
      }
    }
  }
}

template <bool Lobes, class Axis>
void add_with(DrizzleInput const& input, DrizzleOptions const& options, Axis const& axis, InputRows const& rows,
              TargetBlock const& block, ExposureScratch& scratch) {
  if (options.variances)
    add_pixels<true, Lobes>(input, options, axis, rows, block, scratch);
  else
    add_pixels<false, Lobes>(input, options, axis, rows, block, scratch);
}

}  // namespace

void add_separable(DrizzleInput const& input, DrizzleOptions const& options, InputRows const& rows,
                   TargetBlock const& block, ExposureScratch& scratch) {
  switch (options.kernel) {
    case DrizzleKernel::Square:
    case DrizzleKernel::Point:
      add_with<false>(input, options, PointAxis(options), rows, block, scratch);
      break;
    case DrizzleKernel::Turbo:
      add_with<false>(input, options, TurboAxis(options), rows, block, scratch);
      break;
    case DrizzleKernel::Gaussian:
      add_with<false>(input, options, GaussianAxis(options), rows, block, scratch);
      break;
    case DrizzleKernel::Lanczos2:
      add_with<true>(input, options, LanczosAxis(options, 2), rows, block, scratch);
      break;
    case DrizzleKernel::Lanczos3:
      add_with<true>(input, options, LanczosAxis(options, 3), rows, block, scratch);
      break;
  }
}

}  // namespace tessera::kernels::drizzle
