// The outlier_detection step (spec 30, 3): pixels that differ from the median of the exposures become flags.
#pragma once
#include <vector>

#include "tessera/steps/band_task.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::steps {

/// Raised when the results of outlier_detection change.
inline constexpr int OutlierDetectionAlgorithm = 1;

/// Flags the outliers (DO_NOT_USE and OUTLIER) of every exposure of every task. Collective. Three phases, each one pool
/// over all tasks: weight thresholds by group of exposures; medians by sky, in HDF5 blocks in the tasks' scratch
/// folders; comparison by exposure. Every median block and every exposure is journaled when it is done.
/// An exposure that cannot be read is reported, and the others go on without it; a task with fewer than two groups gets
/// no flags.
StepOutcome run_outlier_detection(StepContext& context, std::vector<BandTask> const& tasks);

}  // namespace tessera::steps
