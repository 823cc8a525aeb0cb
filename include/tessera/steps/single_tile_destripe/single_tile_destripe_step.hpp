// single_tile_destripe: stripes of calibrated exposures, each measured in itself (spec 40, 1.5).
#pragma once
#include <vector>

#include "tessera/steps/band_task.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::steps {

/// Algorithm number: raised when the results change.
inline constexpr int SingleTileDestripeAlgorithm = 1;

/// Measures the stripes of all exposures of all tasks and puts them into the ledger: StripeCorrections for the levels
/// of the amplifiers (where columns are not measured), for columns and for rows; none for an exposure without stripes.
/// Beside it a table of the stripes and a picture of those of one exposure a task. Broken exposures are left out and
/// reported; a task whose options cannot be had fails by itself. Collective over context.world.
StepOutcome run_single_tile_destripe(StepContext& context, std::vector<BandTask> const& tasks);

}  // namespace tessera::steps
