// What a detector adds to the sky, each a function of the exposure's key: levels, stripes, cosmic rays, bad pixels.
#pragma once
#include <cstdint>
#include <vector>

#include "tessera/simulate/survey_plan.hpp"

namespace tessera::simulate {

/// Level errors in MJy/sr. MIRI's coronagraph corner has a further one of its own.
struct Levels {
  double level = 0, lyot = 0;
};
Levels draw_levels(SimulationSettings const& settings, Band const& band, PlannedExposure const& exposure);

/// Stripes in MJy/sr. Amplifier a spans columns bounds[a] <= x < bounds[a + 1].
struct Stripes {
  std::vector<int> bounds;
  std::vector<std::vector<float>> rows;  ///< [amplifier][y]; empty: none
  std::vector<float> columns;            ///< [x]
  float at(int x, int y, std::size_t amplifier) const {
    return rows[amplifier][static_cast<std::size_t>(y)] + columns[static_cast<std::size_t>(x)];
  }
};
/// NIRCam only; empty for MIRI.
Stripes draw_stripes(SimulationSettings const& settings, Band const& band, Detector const& detector,
                     PlannedExposure const& exposure);

/// One pixel of a cosmic ray that was not found in the ramps.
struct CosmicRayPixel {
  std::int64_t pixel = 0;  ///< y * nx + x
  double strength = 0;     ///< in units of the pixel's noise
};
std::vector<CosmicRayPixel> draw_cosmic_rays(SimulationSettings const& settings, Detector const& detector,
                                             PlannedExposure const& exposure);

/// DQ of the detector itself, [ny][nx]: reference pixels, what lies outside MIRI's imager and coronagraph corner, hot
/// and dead pixels and clusters. The same in all exposures of a detector.
std::vector<std::uint32_t> make_detector_mask(SimulationSettings const& settings, Detector const& detector);

/// True where the pixel belongs to MIRI's Lyot coronagraph corner (spec 40, 1.8: rows >= 735, columns < 290, full
/// format).
bool is_lyot(Detector const& detector, int x, int y);

}  // namespace tessera::simulate
