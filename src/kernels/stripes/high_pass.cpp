#include "tessera/kernels/high_pass.hpp"

#include <fftw3.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <new>
#include <vector>

#include "tessera/core/contract.hpp"
#include "tessera/kernels/sigma_clip.hpp"

namespace tessera::kernels {

namespace {

struct FreeFftw {
  void operator()(double* memory) const { fftw_free(memory); }
};
struct DestroyPlan {
  void operator()(fftw_plan_s* plan) const { fftw_destroy_plan(plan); }
};
using Plan = std::unique_ptr<fftw_plan_s, DestroyPlan>;

/// Index of the value that stands at k of a line of n mirrored once at each end.
std::int64_t mirrored(std::int64_t k, std::int64_t n) { return k < 0 ? -k - 1 : k < n ? k : 2 * n - 1 - k; }

template <class T>
void filter_image(std::span<T> image, std::int64_t nx, std::int64_t ny, HighPass const& filter) {
  TESSERA_EXPECT(nx >= 1 && ny >= 1 && static_cast<std::int64_t>(image.size()) == nx * ny);
  std::int64_t const margin_x = nx / 4, margin_y = ny / 4;
  std::int64_t const wide = nx + 2 * margin_x, high = ny + 2 * margin_y;
  std::int64_t const waves = wide / 2 + 1, stride = 2 * waves;  // rows stand in the memory of their transforms
  std::unique_ptr<double, FreeFftw> const memory(fftw_alloc_real(static_cast<std::size_t>(high * stride)));
  if (!memory) throw std::bad_alloc();
  double* const real = memory.get();
  auto* const spectrum = reinterpret_cast<fftw_complex*>(real);
  Plan const forward(
      fftw_plan_dft_r2c_2d(static_cast<int>(high), static_cast<int>(wide), real, spectrum, FFTW_ESTIMATE));
  Plan const backward(
      fftw_plan_dft_c2r_2d(static_cast<int>(high), static_cast<int>(wide), spectrum, real, FFTW_ESTIMATE));
  TESSERA_EXPECT(forward != nullptr && backward != nullptr);

  for (std::int64_t y = 0; y < high; ++y)
    for (std::int64_t x = 0; x < wide; ++x)
      real[y * stride + x] = static_cast<double>(
          image[static_cast<std::size_t>(mirrored(y - margin_y, ny) * nx + mirrored(x - margin_x, nx))]);
  fftw_execute(forward.get());
  double const scale = 1 / static_cast<double>(wide * high);
  for (std::int64_t row = 0; row < high; ++row) {
    double const fy = static_cast<double>(std::min(row, high - row)) / static_cast<double>(high);
    for (std::int64_t wave = 0; wave < waves; ++wave) {
      double const fx = static_cast<double>(wave) / static_cast<double>(wide);
      double const gain = scale * high_pass_gain(std::sqrt(fx * fx + fy * fy), filter);
      spectrum[row * waves + wave][0] *= gain;
      spectrum[row * waves + wave][1] *= gain;
    }
  }
  fftw_execute(backward.get());
  for (std::int64_t y = 0; y < ny; ++y)
    for (std::int64_t x = 0; x < nx; ++x)
      image[static_cast<std::size_t>(y * nx + x)] = static_cast<T>(real[(y + margin_y) * stride + x + margin_x]);
}

template <class T>
void fill_rows(std::span<T> image, std::int64_t nx, std::int64_t ny) {
  TESSERA_EXPECT(static_cast<std::int64_t>(image.size()) == nx * ny);
  std::vector<T> values;
  for (std::int64_t y = 0; y < ny; ++y) {
    auto const row = image.subspan(static_cast<std::size_t>(y * nx), static_cast<std::size_t>(nx));
    values.clear();
    std::copy_if(row.begin(), row.end(), std::back_inserter(values), [](T value) { return std::isfinite(value); });
    if (values.size() == row.size()) continue;
    auto const median = static_cast<T>(median_in_place(std::span(values)));
    std::replace_if(
        row.begin(), row.end(), [](T value) { return !std::isfinite(value); }, median);
  }
}

}  // namespace

double high_pass_gain(double frequency, HighPass const& filter) {
  double const q = std::pow(frequency / filter.cutoff, 2 * filter.order);
  return q / (1 + q);
}

void filter_high_pass(std::span<double> image, std::int64_t nx, std::int64_t ny, HighPass const& filter) {
  filter_image(image, nx, ny, filter);
}
void filter_high_pass(std::span<float> image, std::int64_t nx, std::int64_t ny, HighPass const& filter) {
  filter_image(image, nx, ny, filter);
}
void fill_with_row_medians(std::span<double> image, std::int64_t nx, std::int64_t ny) { fill_rows(image, nx, ny); }
void fill_with_row_medians(std::span<float> image, std::int64_t nx, std::int64_t ny) { fill_rows(image, nx, ny); }

}  // namespace tessera::kernels
