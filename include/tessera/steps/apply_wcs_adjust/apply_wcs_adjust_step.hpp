// The shift that get_wcs_adjust measured for a visit, applied to the WCS of its exposures (spec 40, 1.7).
#pragma once
#include <vector>

#include "tessera/steps/band_task.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::steps {

/// Changes when the results of the step do.
inline constexpr int ApplyWcsAdjustAlgorithm = 1;

/// A WcsCorrection for every exposure that BandTask::adjustments has a shift for: by its own key, else by visit and
/// instrument, else by visit. Exposures without one get no entry. A file that is missing or cannot be used fails the
/// task. Collective.
StepOutcome run_apply_wcs_adjust(StepContext& context, std::vector<BandTask> const& tasks);

}  // namespace tessera::steps
