// The coronagraph corner of MIRI images as an exposure of its own (spec 40, 1.8).
#pragma once
#include <vector>

#include "tessera/steps/band_task.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::steps {

/// Changes when the results of the step do.
inline constexpr int LyotSeparateAlgorithm = 1;

/// RegionFlag entries (DO_NOT_USE and NON_SCIENCE): on imager members over the coronagraph box, on lyot members over
/// the two boxes outside of it. Subarrays and whole exposures get none. Collective.
StepOutcome run_lyot_separate(StepContext& context, std::vector<BandTask> const& tasks);

}  // namespace tessera::steps
