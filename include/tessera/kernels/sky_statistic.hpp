// The sky level of a set of pixels: clipped mean, median, mode or midpoint (spec 30, 2.3).
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace tessera::kernels {

enum class SkyStatisticKind : std::uint8_t { Mode, Median, Mean, Midpt };

/// "mode", "median", "mean", "midpt". Throws ConfigError for anything else.
SkyStatisticKind parse_sky_statistic(std::string_view name);

struct SkyStatisticOptions {
  SkyStatisticKind kind = SkyStatisticKind::Mode;
  std::optional<double> lower{}, upper{};  ///< values outside are never used
  int clips = 5;
  double lower_sigma = 4, upper_sigma = 4;
  double bin_width = 0.1;  ///< of the histogram of mode and midpoint, standard deviations
};

/// What was measured. All are float32 values, as the reference has them.
struct SkyStatistic {
  double value = 0;         ///< of the kind asked for, unit of the pixels
  std::int64_t pixels = 0;  ///< that the last clipping round left
  double least = 0;         ///< running extremes of these; they start from the first value, moved into the limits
  double greatest = 0;
  double mean = 0, deviation = 0;  ///< deviation with n - 1; NaN for one pixel
};

/// Clips `values` (finite) clips times about their mean and measures what is left. No value where nothing is left, or
/// where it is not finite: the mode of a single pixel. Sums are taken in the order of `values`.
std::optional<SkyStatistic> measure_sky(std::span<float const> values, SkyStatisticOptions const& options);

}  // namespace tessera::kernels
