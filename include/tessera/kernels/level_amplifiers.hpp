// Levels of the amplifiers of a detector against each other (spec 40, P4).
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace tessera::kernels {

struct AmplifierLevelOptions {
  /// The 20 columns beyond on each side give the slope, and the values are compared at the border itself: a sky that is
  /// brighter on one side of the field is not taken for a level.
  bool extrapolate = false;
  /// A step counts where it is this many times its error, which eight parts of the border tell by how they scatter
  /// (rows of a structured sky are not independent); else the two sides are taken to be level. 0: every step counts.
  double least_significance = 0;
};

/// What to add to each amplifier so that its edge meets that of the one before; 0 for the first. Of `sci` [ny][nx] the
/// last and first 20 columns at each border are used, without pixels where `bad` is set (row medians, then the clipped
/// median of their differences: 3 sigma until nothing changes). Amplifier a spans columns [bounds[a], bounds[a + 1]).
/// An amplifier that cannot be compared (wholly masked) is taken to lie level with the one before. The defaults are
/// pjpipe's, which however puts NaN where pixels beside the borders are masked; here only the levels come back.
std::vector<double> measure_amplifier_levels(double const* sci, std::uint8_t const* bad, std::int64_t nx,
                                             std::int64_t ny, std::span<std::int64_t const> bounds,
                                             AmplifierLevelOptions const& options = {});
std::vector<double> measure_amplifier_levels(float const* sci, std::uint8_t const* bad, std::int64_t nx,
                                             std::int64_t ny, std::span<std::int64_t const> bounds,
                                             AmplifierLevelOptions const& options = {});

}  // namespace tessera::kernels
