// Stripes along rows by principal components of the columns of each amplifier (spec 40, 1.5, pca).
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace tessera::kernels {

struct PcaStripeOptions {
  std::vector<std::int64_t> bounds;  ///< columns where amplifiers begin and end; {0, nx}: whole rows
  int components = 50;               ///< that are looked for
  int reconstruct = 10;              ///< at most so many are used: those that noise alone would not make
  double sigma = 3;                  ///< of clipped medians
  std::optional<int> maxiters = 20;  ///< clipping rounds
  std::uint64_t seed = 0;            ///< of shifts and order of the vectors
};

/// A value a pixel, [ny][nx], finite: 0 over an amplifier that has too little outside the mask. Columns are scaled to
/// a median of 0 and the width of the distribution of the amplifier; those with least masked (all with less than a
/// quarter, at least half of them), and as many copies turned round by random rows, are trained on; each column is put
/// together from the mean and the components. Ours: components weaker than those of white noise of the same size
/// (Marchenko and Pastur 1967) are not used, and the mean of a column is no stripe along rows and is taken off.
std::vector<float> measure_pca_stripes(std::span<float const> image, std::span<std::uint8_t const> mask,
                                       std::int64_t nx, std::int64_t ny, PcaStripeOptions const& options);

}  // namespace tessera::kernels
