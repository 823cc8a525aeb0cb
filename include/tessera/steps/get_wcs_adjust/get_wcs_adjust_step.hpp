// One shift a visit, measured in well-behaved bands and written for apply_wcs_adjust (spec 40, 1.7).
#pragma once
#include <vector>

#include "tessera/steps/band_task.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::steps {

/// Changes when the results of the step do.
inline constexpr int GetWcsAdjustAlgorithm = 1;

/// Tasks are the listed bands of the targets, all of a target or none. Writes what each band gave to
/// BandTask::ledger_file (here "<target_dir>/get_wcs_adjust/<band>_wcs_adjust.toml", with its manifest), then
/// <target>_wcs_adjust.toml (BandTask::adjustments) from all of them. Visits that could not be measured have no key and
/// are said. Collective.
StepOutcome run_get_wcs_adjust(StepContext& context, std::vector<BandTask> const& tasks);

}  // namespace tessera::steps
