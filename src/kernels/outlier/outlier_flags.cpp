#include "tessera/kernels/outlier_flags.hpp"

#include <cmath>

#include "tessera/compute/views.hpp"

namespace tessera::kernels {

namespace {

using Policy = Kokkos::RangePolicy<compute::HostExecution>;

float noise_of(float err) { return err == err ? err : 0.0f; }

/// The larger one; a NaN difference (a neighbour that is NaN) leaves `most` as it is.
float larger(float most, float difference) { return difference > most ? difference : most; }

void derivative_row(float const* values, std::int64_t nx, std::int64_t ny, std::int64_t y, float* out) {
  float const* const row = values + y * nx;
  for (std::int64_t x = 0; x < nx; ++x) out[x] = row[x] == row[x] ? 0.0f : row[x];
  // Comparisons with the NaN of a hole are false: it stays NaN.
  if (y > 0)
    for (std::int64_t x = 0; x < nx; ++x) out[x] = larger(out[x], std::abs(row[x] - row[x - nx]));
  if (y + 1 < ny)
    for (std::int64_t x = 0; x < nx; ++x) out[x] = larger(out[x], std::abs(row[x] - row[x + nx]));
  for (std::int64_t x = 1; x < nx; ++x) out[x] = larger(out[x], std::abs(row[x] - row[x - 1]));
  for (std::int64_t x = 0; x + 1 < nx; ++x) out[x] = larger(out[x], std::abs(row[x] - row[x + 1]));
}

constexpr std::uint8_t First = 1, Second = 2;

}  // namespace

void absolute_derivative(float const* values, std::int64_t nx, std::int64_t ny, float* out) {
  Kokkos::parallel_for("tessera::absolute_derivative", Policy(0, ny),
                       [=](std::int64_t y) { derivative_row(values, nx, ny, y, out + y * nx); });
}

void flag_outliers(ComparedRows const& compared, float level, OutlierThresholds const& thresholds,
                   std::vector<std::uint8_t>& mask) {
  auto const nx = compared.nx, rows = compared.rows;
  float const *const sci = compared.sci, *const err = compared.err, *const blot = compared.blot;
  auto const count = static_cast<std::size_t>(nx * rows);
  mask.assign(count, 0);
  std::vector<std::uint8_t> passed(count);
  float const snr1 = static_cast<float>(thresholds.snr1), snr2 = static_cast<float>(thresholds.snr2),
              scale1 = static_cast<float>(thresholds.scale1), scale2 = static_cast<float>(thresholds.scale2);
  Kokkos::parallel_for("tessera::flag_outliers", Policy(0, rows), [&, nx, rows, sci, err, blot](std::int64_t y) {
    thread_local std::vector<float> derivative;
    derivative.resize(static_cast<std::size_t>(nx));
    derivative_row(blot, nx, rows, y, derivative.data());
    float const *const d = derivative.data(), *const s = sci + y * nx, *const e = err + y * nx,
                       *const b = blot + y * nx;
    std::uint8_t* const out = passed.data() + y * nx;
    for (std::int64_t x = 0; x < nx; ++x) {
      float const difference = std::abs(s[x] - b[x] - level), noise = noise_of(e[x]);
      bool const first = difference > scale1 * d[x] + snr1 * noise, second = difference > scale2 * d[x] + snr2 * noise;
      out[x] = static_cast<std::uint8_t>((first ? First : 0) | (second ? Second : 0));
    }
  });
  Kokkos::parallel_for("tessera::spread_outliers", Policy(0, rows), [&, nx, rows](std::int64_t y) {
    std::uint8_t const* const row = passed.data() + y * nx;
    std::uint8_t const* const below = y > 0 ? row - nx : row;
    std::uint8_t const* const above = y + 1 < rows ? row + nx : row;
    std::uint8_t* const out = mask.data() + y * nx;
    auto const column = [&](std::int64_t x) { return static_cast<unsigned>(row[x] | below[x] | above[x]); };
    for (std::int64_t x = 0; x < nx; ++x) {
      if ((row[x] & Second) == 0) continue;
      unsigned const near = column(x) | (x > 0 ? column(x - 1) : 0u) | (x + 1 < nx ? column(x + 1) : 0u);
      out[x] = (near & First) != 0;
    }
  });
}

void flag_outliers_in_place(ComparedRows const& compared, double snr, std::vector<std::uint8_t>& mask) {
  auto const count = static_cast<std::size_t>(compared.nx * compared.rows);
  mask.resize(count);
  float const factor = static_cast<float>(snr);
  for (std::size_t k = 0; k < count; ++k)
    mask[k] = std::abs(compared.sci[k] - compared.blot[k]) > factor * noise_of(compared.err[k]);
}

}  // namespace tessera::kernels
