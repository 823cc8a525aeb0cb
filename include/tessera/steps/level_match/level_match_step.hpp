// The level_match step: levels or planes of all exposures of the survey from the differences of overlapping pairs.
#pragma once
#include <vector>

#include "tessera/steps/band_task.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::steps {

/// Changes when the results of level_match do.
inline constexpr int LevelMatchAlgorithm = 1;

/// Matches the levels of the exposures of every task (spec 40, 1.9; docs/steps/level_match.md). The stages run one
/// after the other over all tasks; the pairs of all tasks in a stage are one pool. Writes, for each task, the ledger
/// (one entry an exposure and stage), and tables and plots under BandTask::products. Collective.
///
/// An exposure that cannot be read is a failure in the outcome and takes no part; an exposure that overlaps no other
/// keeps its level (but for the local median of its dither group) and is warned of.
StepOutcome run_level_match(StepContext& context, std::vector<BandTask> const& tasks);

}  // namespace tessera::steps
