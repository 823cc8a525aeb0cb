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

/// Multiplies the transform of an image by the gain and by what takes the two transforms' scale off again. Powers are
/// dear: rows of the same frequency share theirs, and in a square also rows and columns, square by square.
void apply_gain(fftw_complex* spectrum, std::int64_t wide, std::int64_t high, HighPass const& filter) {
  constexpr std::int64_t Side = 64;
  std::int64_t const waves = wide / 2 + 1, frequencies = high / 2 + 1;
  double const scale = 1 / static_cast<double>(wide * high);
  auto const multiply = [&](std::int64_t row, std::int64_t wave, double gain) {
    auto const at = [&](std::int64_t y) {
      spectrum[y * waves + wave][0] *= gain;
      spectrum[y * waves + wave][1] *= gain;
    };
    at(row);
    if (row > 0 && 2 * row < high) at(high - row);
  };
  double gains[Side][Side];
  for (std::int64_t row0 = 0; row0 < frequencies; row0 += Side)
    for (std::int64_t wave0 = wide == high ? row0 : 0; wave0 < waves; wave0 += Side) {
      auto const row1 = std::min(row0 + Side, frequencies), wave1 = std::min(wave0 + Side, waves);
      for (auto row = row0; row < row1; ++row)
        for (auto wave = wave0; wave < wave1; ++wave) {
          double const fy = static_cast<double>(row) / static_cast<double>(high);
          double const fx = static_cast<double>(wave) / static_cast<double>(wide);
          double& gain = gains[row - row0][wave - wave0];
          gain = scale * high_pass_gain(std::sqrt(fx * fx + fy * fy), filter);
          multiply(row, wave, gain);
        }
      if (wide != high || wave0 == row0) continue;
      for (auto row = wave0; row < wave1; ++row)
        for (auto wave = row0; wave < row1; ++wave) multiply(row, wave, gains[wave - row0][row - wave0]);
    }
}

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

  for (std::int64_t y = 0; y < high; ++y) {
    T const* const line = image.data() + mirrored(y - margin_y, ny) * nx;
    double* const row = real + y * stride;
    for (std::int64_t x = 0; x < margin_x; ++x) row[x] = static_cast<double>(line[mirrored(x - margin_x, nx)]);
    for (std::int64_t x = 0; x < nx; ++x) row[margin_x + x] = static_cast<double>(line[x]);
    for (std::int64_t x = margin_x + nx; x < wide; ++x) row[x] = static_cast<double>(line[mirrored(x - margin_x, nx)]);
  }
  fftw_execute(forward.get());
  apply_gain(spectrum, wide, high, filter);
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
