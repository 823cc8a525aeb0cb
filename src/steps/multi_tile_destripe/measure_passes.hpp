// Both passes of multi_tile_destripe: the average by sky, then the stripes by exposure (spec 40, 1.10).
#pragma once
#include "destripe_run.hpp"

namespace tessera::steps {

/// Has the profiles of all passes of all exposures in the journals of their tasks. Collective.
bool measure_passes(DestripeRun& run);

}  // namespace tessera::steps
