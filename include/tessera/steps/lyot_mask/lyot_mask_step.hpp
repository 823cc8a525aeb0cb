// The coronagraph corner of MIRI images flagged, or what of it the imager saw too (spec 40, 1.8).
#pragma once
#include <vector>

#include "tessera/steps/band_task.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::steps {

/// Changes when the results of the step do.
inline constexpr int LyotMaskAlgorithm = 1;

/// With method "mask" a RegionFlag (DO_NOT_USE and NON_SCIENCE) over the coronagraph box; with "mask_overlap" a
/// FlagCorrection of those pixels of the box whose nearest pixel in some other member is a good one outside of its
/// coronagraph box. Subarrays get none. Collective.
StepOutcome run_lyot_mask(StepContext& context, std::vector<BandTask> const& tasks);

}  // namespace tessera::steps
