// Which pixels of an exposure differ from the blotted median by more than noise and gradient allow (spec 30, 3.4).
#pragma once
#include <cstdint>
#include <vector>

namespace tessera::kernels {

struct OutlierThresholds {
  double snr1 = 5.0, snr2 = 4.0;      ///< units of ERR, first and second pass
  double scale1 = 1.2, scale2 = 0.7;  ///< units of the derivative of the blot
};

/// Rows of an exposure, [row][nx], float32.
struct ComparedRows {
  std::int64_t nx = 0, rows = 0;
  float const* sci = nullptr;   ///< NaN: never flagged
  float const* err = nullptr;   ///< NaN counts as 0
  float const* blot = nullptr;  ///< NaN: never flagged
};

/// Largest absolute difference to one of the four edge neighbours; those outside or NaN are ignored, 0 if there are
/// none, NaN where the value itself is NaN. [ny][nx].
void absolute_derivative(float const* values, std::int64_t nx, std::int64_t ny, float* out);

/// Rows that flag_outliers must see on both sides of those whose flags are wanted, where the exposure has them.
inline constexpr std::int64_t OutlierHalo = 2;

/// mask[row][nx] = 1 where |SCI - blot - level| exceeds scale2 D + snr2 e, and scale1 D + snr1 e at that pixel or one
/// of its eight neighbours. All in float32, as the reference.
void flag_outliers(ComparedRows const& compared, float level, OutlierThresholds const& thresholds,
                   std::vector<std::uint8_t>& mask);

/// mask = 1 where |SCI - blot| > snr e: for exposures that lie on each other pixel by pixel.
void flag_outliers_in_place(ComparedRows const& compared, double snr, std::vector<std::uint8_t>& mask);

}  // namespace tessera::kernels
