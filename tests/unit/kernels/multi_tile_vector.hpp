// The exposures of pj_multi_tile.json: four of 96 x 96, aligned, amplifiers of 24 columns.
#pragma once
#include <cmath>
#include <limits>
#include <numbers>

#include "support/vector_noise.hpp"

namespace tessera::test {

inline constexpr int MultiTileSide = 96, MultiTileCount = 4;

inline double multi_tile_variance(int exposure) { return 0.01 * (exposure + 1); }

/// As measured; zeros and NaN of missing pixels are in.
inline std::vector<double> make_multi_tile_exposure(int k) {
  constexpr int N = MultiTileSide;
  VectorNoise stripes(static_cast<std::uint32_t>(500 + k)), noise(static_cast<std::uint32_t>(600 + k));
  std::vector<std::vector<double>> rows(4);
  for (auto& amplifier : rows)
    for (int i = 0; i < N; ++i)
      amplifier.push_back(0.05 * std::sin(2 * std::numbers::pi * (i + 7 * k) / 30) + 0.02 * stripes.deviate());
  std::vector<double> image;
  for (int y = 0; y < N; ++y)
    for (int x = 0; x < N; ++x) {
      double const sky = 1 + 2 * std::exp(-((x - 48) * (x - 48) + (y - 48) * (y - 48)) / 450.0) +
                         5 * std::exp(-((x - 20) * (x - 20) + (y - 70) * (y - 70)) / 2.0);
      image.push_back(sky + 0.02 * noise.deviate() +
                      rows[static_cast<std::size_t>(x / 24)][static_cast<std::size_t>(y)]);
    }
  if (k == 0) image[5 * N + 5] = std::numeric_limits<double>::quiet_NaN();
  if (k == 2)
    for (std::size_t y = 50; y <= 51; ++y)
      for (std::size_t x = 50; x <= 51; ++x) image[y * N + x] = 0;
  return image;
}

}  // namespace tessera::test
