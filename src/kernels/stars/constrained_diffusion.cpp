#include "tessera/kernels/constrained_diffusion.hpp"

#include <algorithm>
#include <cmath>

#include "tessera/compute/views.hpp"
#include "tessera/core/contract.hpp"

namespace tessera::kernels {

namespace {

/// Weights of a Gaussian at 0, 1, ... pixels from its centre, of sum 1 over both sides.
std::vector<double> make_weights(DiffusionScale const& scale) {
  std::vector<double> weights;
  double sum = 0;
  for (std::int64_t k = 0; k <= scale.radius; ++k) {
    auto const distance = static_cast<double>(k);
    weights.push_back(std::exp(-distance * distance / (2 * scale.sigma * scale.sigma)));
    sum += (k == 0 ? 1 : 2) * weights.back();
  }
  for (auto& weight : weights) weight /= sum;
  return weights;
}

/// What is left of a value: it moves to the smooth one, but never away from zero nor over it by itself.
double constrain(double value, double smooth) {
  if (value > 0) return std::min(value, smooth);
  if (value < 0) return std::max(value, smooth);
  return value;
}

/// Fewer are done sooner by one thread than others are woken: there are hundreds of steps.
constexpr std::int64_t FewPixels = 1 << 16;

/// Rows of an image in double, and the same once more for the next step. Rows beyond the image are zero; rows of the
/// image that are not here limit what can be made of the others, step by step.
class DiffusedRows {
 public:
  DiffusedRows(std::int64_t nx, std::int64_t y0, std::int64_t y1)
      : nx_(nx), y0_(y0), y1_(y1), now_(static_cast<std::size_t>(nx * (y1 - y0))), next_(now_.size()) {}

  double* values() { return now_.data(); }
  std::vector<double> take() { return std::move(now_); }

  /// Takes one scale off rows first <= y < last and whatever `later` steps need around them.
  void take_off(DiffusionScale const& scale, std::int64_t first, std::int64_t last, std::int64_t later) {
    auto const weights = make_weights(scale);
    for (int k = 0; k < scale.iterations; ++k) {
      std::int64_t const margin = later + (scale.iterations - 1 - k) * scale.radius;
      step(weights, std::max(y0_, first - margin), std::min(y1_, last + margin));
    }
  }

 private:
  void step(std::vector<double> const& weights, std::int64_t first, std::int64_t last) {
    auto const radius = static_cast<std::int64_t>(weights.size()) - 1;
    if ((last - first) * nx_ < FewPixels)
      for (std::int64_t y = first; y < last; ++y) diffuse_row(weights, radius, y);
    else
      Kokkos::parallel_for("tessera::diffuse", Kokkos::RangePolicy<compute::HostExecution>(first, last),
                           [&](std::int64_t const y) { diffuse_row(weights, radius, y); });
    now_.swap(next_);
  }

  void diffuse_row(std::vector<double> const& weights, std::int64_t radius, std::int64_t y) {
    std::vector<double> line(static_cast<std::size_t>(nx_ + 2 * radius), 0.0);
    double* const middle = line.data() + radius;
    double const* const row = now_.data() + (y - y0_) * nx_;
    for (std::int64_t x = 0; x < nx_; ++x) middle[x] = weights[0] * row[x];
    for (std::int64_t k = 1; k <= radius; ++k) {
      double const weight = weights[static_cast<std::size_t>(k)];
      for (std::int64_t const j : {y - k, y + k}) {
        if (j < y0_ || j >= y1_) continue;
        double const* const other = now_.data() + (j - y0_) * nx_;
        for (std::int64_t x = 0; x < nx_; ++x) middle[x] += weight * other[x];
      }
    }
    double* const out = next_.data() + (y - y0_) * nx_;
    for (std::int64_t x = 0; x < nx_; ++x) out[x] = weights[0] * middle[x];
    for (std::int64_t k = 1; k <= radius; ++k) {
      double const weight = weights[static_cast<std::size_t>(k)];
      for (std::int64_t x = 0; x < nx_; ++x) out[x] += weight * (middle[x - k] + middle[x + k]);
    }
    for (std::int64_t x = 0; x < nx_; ++x) out[x] = constrain(row[x], out[x]);
  }

  std::int64_t nx_, y0_, y1_;
  std::vector<double> now_, next_;
};

}  // namespace

std::vector<DiffusionScale> plan_diffusion(std::int64_t nx, std::int64_t ny, int scales, double error) {
  TESSERA_EXPECT(error > 0);
  std::vector<DiffusionScale> plan;
  std::int64_t const side = std::min(nx, ny);
  // 2^(n + 1) <= side: floor(log2(side) - 1) without rounding
  for (int i = 0; i < scales && (std::int64_t{1} << (i + 2)) <= side; ++i) {
    double const begin = std::ldexp(1.0, 2 * i) / 2, end = std::ldexp(1.0, 2 * i + 2) / 2;
    double const longest = begin * (i == 0 ? 0.1 : error);
    DiffusionScale scale;
    scale.iterations = static_cast<int>((end - begin) / longest + 0.5);
    scale.time_step = (end - begin) / scale.iterations;
    scale.sigma = std::sqrt(2 * scale.time_step);
    scale.radius = static_cast<std::int64_t>(4 * scale.sigma + 0.5);
    plan.push_back(scale);
  }
  return plan;
}

std::int64_t diffusion_reach(std::span<DiffusionScale const> plan) {
  std::int64_t reach = 0;
  for (auto const& scale : plan) reach += scale.iterations * scale.radius;
  return reach;
}

Diffusion constrained_diffusion(std::span<double const> image, std::int64_t nx, std::int64_t ny,
                                std::span<DiffusionScale const> plan) {
  TESSERA_EXPECT(static_cast<std::int64_t>(image.size()) == nx * ny);
  DiffusedRows rows(nx, 0, ny);
  std::copy(image.begin(), image.end(), rows.values());
  Diffusion result;
  for (auto const& scale : plan) {
    std::vector<double> taken(rows.values(), rows.values() + image.size());
    rows.take_off(scale, 0, ny, 0);
    for (std::size_t k = 0; k < taken.size(); ++k) taken[k] -= rows.values()[k];
    result.scales.push_back(std::move(taken));
  }
  result.residual = rows.take();
  return result;
}

std::vector<float> compact_part(ImageRows const& rows, std::int64_t own_y0, std::int64_t own_y1,
                                std::span<DiffusionScale const> plan) {
  std::int64_t const reach = diffusion_reach(plan);
  TESSERA_EXPECT(0 <= own_y0 && own_y0 <= own_y1 && own_y1 <= rows.ny);
  std::int64_t const first = std::max<std::int64_t>(0, own_y0 - reach), last = std::min(rows.ny, own_y1 + reach);
  if (own_y0 == own_y1) return {};
  TESSERA_EXPECT(rows.y0 <= first && rows.y1 >= last);
  auto const value = [&rows](std::int64_t y, std::int64_t x) {
    std::int64_t const k = (y - rows.y0) * rows.nx + x;
    return std::isfinite(rows.data[k]) && !(rows.mask && rows.mask[k]) ? static_cast<double>(rows.data[k]) : 0.0;
  };
  DiffusedRows diffused(rows.nx, first, last);
  for (std::int64_t y = first; y < last; ++y)
    for (std::int64_t x = 0; x < rows.nx; ++x) diffused.values()[(y - first) * rows.nx + x] = value(y, x);
  for (std::size_t k = 0; k < plan.size(); ++k)
    diffused.take_off(plan[k], own_y0, own_y1, diffusion_reach(plan.subspan(k + 1)));
  std::vector<float> compact;
  compact.reserve(static_cast<std::size_t>((own_y1 - own_y0) * rows.nx));
  for (std::int64_t y = own_y0; y < own_y1; ++y)
    for (std::int64_t x = 0; x < rows.nx; ++x) {
      std::int64_t const k = (y - rows.y0) * rows.nx + x;
      bool const is_data = std::isfinite(rows.data[k]) && !(rows.mask && rows.mask[k]);
      compact.push_back(is_data ? static_cast<float>(value(y, x) - diffused.values()[(y - first) * rows.nx + x])
                                : 0.0f);
    }
  return compact;
}

}  // namespace tessera::kernels
