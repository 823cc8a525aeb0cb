// The joint method in a run of multi_tile_destripe.
#pragma once
#include "destripe_run.hpp"

namespace tessera::steps {

/// The first pass of a task by the joint method: its profiles are in the journal then, as those of iteration 0. Done
/// anew without the exposures that are lost on the way. False: a stop request. Collective.
bool measure_jointly(DestripeRun& run, DestripeTask& task);

}  // namespace tessera::steps
