// The resample step: all mosaics of the survey as one pool of sky blocks.
#pragma once
#include <vector>

#include "tessera/steps/resample/mosaic_plan.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::steps {

using exchange::BlockRun;

/// Divides the blocks of all mosaics over `ranks` by cost; [rank] -> its runs, ascending in mosaic.
std::vector<std::vector<BlockRun>> divide_blocks(std::vector<MosaicPlan const*> const& plans, int ranks);

/// Drizzles every mosaic that is not up to date (by its manifest) into HDF5 and writes its products. Collective.
/// A mosaic that fails is reported in the outcome and leaves no product; the others are finished.
StepOutcome run_resample(StepContext& context, std::vector<MosaicPlan> const& plans);

}  // namespace tessera::steps
