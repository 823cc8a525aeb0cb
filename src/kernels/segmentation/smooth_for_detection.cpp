#include <algorithm>
#include <cmath>

#include "tessera/compute/views.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/kernels/segmentation.hpp"

namespace tessera::kernels {

namespace {

constexpr double SigmaOfFwhm = 0.42466090014400953;  // 1 / (2 sqrt(2 ln 2))

/// One axis of the Gaussian: sampled at pixel centres, of sum 1. The kernel is the product of two.
std::vector<double> make_profile(double fwhm) {
  double const sigma = fwhm * SigmaOfFwhm;
  auto const reach = smoothing_reach(fwhm);
  std::vector<double> profile;
  double sum = 0;
  for (auto offset = -reach; offset <= reach; ++offset) {
    auto const r = static_cast<double>(offset);
    profile.push_back(std::exp(-r * r / (2 * sigma * sigma)));
    sum += profile.back();
  }
  for (auto& value : profile) value /= sum;
  return profile;
}

/// Smooths the columns own.x0 <= x < own.x1 of window rows one by one along x: value times weight, and weight.
class RowSmoother {
 public:
  RowSmoother(ImageWindow const& window, model::PixelBox const& own, std::vector<double> const& profile)
      : window_(window), own_(own), profile_(profile), reach_(static_cast<std::int64_t>(profile.size()) / 2) {
    auto const padded = static_cast<std::size_t>(own.width() + 2 * reach_);
    value_.resize(padded);
    weight_.resize(padded);
  }

  void smooth(std::int64_t y, double* sum, double* weight) {
    auto const* const row = window_.data + (y - window_.box.y0) * window_.box.width();
    auto const* const mask = window_.mask ? window_.mask + (y - window_.box.y0) * window_.box.width() : nullptr;
    for (std::size_t k = 0; k < value_.size(); ++k) {
      auto const x = own_.x0 - reach_ + static_cast<std::int64_t>(k);
      value_[k] = 0;
      weight_[k] = 1;  // outside the image is 0 with full weight
      if (x < 0 || x >= window_.nx) continue;
      auto const value = row[x - window_.box.x0];
      if (std::isfinite(value) && !(mask && mask[x - window_.box.x0] != 0))
        value_[k] = static_cast<double>(value);
      else
        weight_[k] = 0;
    }
    auto const width = static_cast<std::size_t>(own_.width());
    std::fill(sum, sum + width, 0.0);
    std::fill(weight, weight + width, 0.0);
    for (std::size_t tap = 0; tap < profile_.size(); ++tap)
      for (std::size_t x = 0; x < width; ++x) {
        sum[x] += profile_[tap] * value_[x + tap];
        weight[x] += profile_[tap] * weight_[x + tap];
      }
  }

 private:
  ImageWindow const& window_;
  model::PixelBox own_;
  std::vector<double> const& profile_;
  std::int64_t reach_;
  std::vector<double> value_, weight_;
};

/// Rows `begin` to `end` of `own`, a ring of smoothed rows at a time.
void smooth_rows(ImageWindow const& window, model::PixelBox const& own, std::vector<double> const& profile,
                 std::int64_t begin, std::int64_t end, float* smoothed) {
  auto const taps = static_cast<std::int64_t>(profile.size()), reach = taps / 2;
  auto const width = static_cast<std::size_t>(own.width());
  double outside_weight = 0;
  for (auto const tap : profile) outside_weight += tap;
  std::vector<double> sums(static_cast<std::size_t>(taps) * width), weights(sums.size()), sum(width), weight(width);
  RowSmoother smoother(window, own, profile);
  auto const slot = [&](std::int64_t y) { return static_cast<std::size_t>((y - begin + reach) % taps) * width; };
  auto const fill = [&](std::int64_t y) {
    auto const at = slot(y);
    if (y >= 0 && y < window.ny) {
      smoother.smooth(y, sums.data() + at, weights.data() + at);
    } else {
      std::fill_n(sums.begin() + static_cast<std::ptrdiff_t>(at), width, 0.0);
      std::fill_n(weights.begin() + static_cast<std::ptrdiff_t>(at), width, outside_weight);
    }
  };
  for (auto y = begin - reach; y < begin + reach; ++y) fill(y);
  for (auto y = begin; y < end; ++y) {
    fill(y + reach);
    std::fill(sum.begin(), sum.end(), 0.0);
    std::fill(weight.begin(), weight.end(), 0.0);
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      auto const at = slot(y + tap - reach);
      auto const factor = profile[static_cast<std::size_t>(tap)];
      for (std::size_t x = 0; x < width; ++x) {
        sum[x] += factor * sums[at + x];
        weight[x] += factor * weights[at + x];
      }
    }
    float* const out = smoothed + (y - own.y0) * own.width();
    for (std::size_t x = 0; x < width; ++x) out[x] = static_cast<float>(sum[x] / weight[x]);  // NaN without weight
  }
}

}  // namespace

std::int64_t smoothing_reach(double kernel_fwhm) {
  TESSERA_EXPECT(kernel_fwhm > 0);
  auto side = static_cast<std::int64_t>(std::ceil(8 * kernel_fwhm * SigmaOfFwhm));
  return side / 2;  // of the odd side
}

void smooth_for_detection(ImageWindow const& window, model::PixelBox const& own, double kernel_fwhm, float* smoothed) {
  if (own.empty()) return;
  auto const reach = smoothing_reach(kernel_fwhm);
  TESSERA_EXPECT(window.box.x0 <= std::max<std::int64_t>(0, own.x0 - reach) &&
                 window.box.y0 <= std::max<std::int64_t>(0, own.y0 - reach));
  TESSERA_EXPECT(window.box.x1 >= std::min(window.nx, own.x1 + reach) &&
                 window.box.y1 >= std::min(window.ny, own.y1 + reach));
  auto const profile = make_profile(kernel_fwhm);
  // Every piece of rows smooths the rows around it as well: long pieces repeat little.
  constexpr std::int64_t RowsTogether = 64;
  auto const pieces = (own.height() + RowsTogether - 1) / RowsTogether;
  Kokkos::parallel_for("tessera::smooth_for_detection",
                       Kokkos::RangePolicy<compute::HostExecution>(0, pieces).set_chunk_size(1), [&](std::int64_t k) {
                         auto const begin = own.y0 + k * RowsTogether;
                         smooth_rows(window, own, profile, begin, std::min(own.y1, begin + RowsTogether), smoothed);
                       });
}

std::vector<float> smooth_for_detection(float const* image, std::uint8_t const* mask, std::int64_t nx, std::int64_t ny,
                                        double kernel_fwhm) {
  std::vector<float> smoothed(static_cast<std::size_t>(nx * ny));
  model::PixelBox const all{0, 0, nx, ny};
  smooth_for_detection({image, mask, all, nx, ny}, all, kernel_fwhm, smoothed.data());
  return smoothed;
}

}  // namespace tessera::kernels
