// multi_tile_destripe: stripes of exposures measured against the stack of all of them (spec 40, 1.10).
#pragma once
#include <vector>

#include "tessera/steps/band_task.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::steps {

/// Algorithm number: raised when the results change.
inline constexpr int MultiTileDestripeAlgorithm = 2;

/// Measures the stripes of all exposures of all tasks, in two passes (the first of which may be the joint solution for
/// stripes and sky), and puts them into the ledger: one StripeCorrection a pass, one more a pass for columns. Exposures
/// that share no sky with another get the levels of their amplifiers only (nothing by the joint solution). Broken
/// exposures are left out and reported; a task that cannot be done fails by itself. Collective over context.world.
StepOutcome run_multi_tile_destripe(StepContext& context, std::vector<BandTask> const& tasks);

}  // namespace tessera::steps
