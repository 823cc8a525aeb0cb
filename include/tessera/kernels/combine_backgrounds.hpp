// Clipped combination of background exposures, pixel by pixel (spec 20, 2.4 to 2.6).
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tessera/model/exposure.hpp"

namespace tessera::kernels {

/// The same pixels of one background. NaN: it has none there. `masked` (may be empty): not 0 where a source is, which
/// is left out of everything but DQ.
struct BackgroundPixels {
  std::span<float const> sci, err;
  std::span<std::uint32_t const> dq;
  std::span<std::uint8_t const> masked;
  double weight = 1;  ///< of the mean; the clip knows no weights
};

struct BackgroundClip {
  double sigma = 3;             ///< low and high side, about the median
  std::optional<int> maxiters;  ///< unset: until nothing changes
};

/// What came of it. Variance is that of the combined value, (sum of weight^2 ERR^2) / (sum of weight)^2, and ERR its
/// root: the official sqrt(sum of ERR^2) / count where all weights are 1.
struct CombinedBackground {
  std::vector<float> sci, err, variance;
  std::vector<std::uint32_t> dq;     ///< all bits of all backgrounds, clipped or not
  std::vector<std::uint16_t> count;  ///< backgrounds that were kept; 0: SCI and ERR are 0
};

/// All of `backgrounds` have the same number of pixels. With weights 1 and nothing masked: the official result.
CombinedBackground combine_backgrounds(std::span<BackgroundPixels const> backgrounds, BackgroundClip const& clip);

/// Planes of the integrations of one exposure [integration][pixel] to one plane (spec 20, 2.5, 3-D case).
void collapse_integrations(std::span<float const> sci, std::span<float const> err, std::span<std::uint32_t const> dq,
                           std::size_t integrations, BackgroundClip const& clip, std::vector<float>& mean,
                           std::vector<float>& mean_err, std::vector<std::uint32_t>& flags);

/// SCI -= background, DQ |= its flags; nothing else changes.
void subtract_background(std::span<float const> background, std::span<std::uint32_t const> flags,
                         model::RowBand& image);

}  // namespace tessera::kernels
