// Alignment of exposures on each other and on a catalogue: the official tweakreg, and one global solution (spec 30, 1).
#pragma once
#include <vector>

#include "tessera/steps/band_task.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::steps {

/// Changes when the results of the step do.
inline constexpr int TweakregAlgorithm = 1;

/// A WcsCorrection for every exposure whose group was aligned; exposures of groups that could not be keep their WCS,
/// and the log, the tables and the report say why. Only exposures that cannot be read fail. Collective.
StepOutcome run_tweakreg(StepContext& context, std::vector<BandTask> const& tasks);

}  // namespace tessera::steps
