// What multi_tile_destripe does before it measures stripes.
#pragma once
#include "destripe_run.hpp"

namespace tessera::steps {

/// Looks at every exposure; what can be used, and where it lies, is told to all. Collective.
bool examine_exposures(DestripeRun& run);

/// Grids and blocks of all tasks, by every rank for itself: the same on all. Collective.
bool plan_tasks(DestripeRun& run);

/// Levels of the exposures before stacking, where they are wanted: pairs by all ranks, solved by each. Collective.
bool match_levels(DestripeRun& run);

}  // namespace tessera::steps
