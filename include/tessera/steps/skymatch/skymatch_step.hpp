// The skymatch step: the sky level of exposures and groups of exposures (spec 30, section 2; spec 40, 1.12).
#pragma once
#include <vector>

#include "tessera/steps/band_task.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::steps {

/// Changes when the results do.
inline constexpr int SkymatchAlgorithm = 1;

/// Measures the sky of every exposure (and, where the method compares exposures, in every overlap with another group),
/// solves each task on one rank, and commits its ledger: a SkyCorrection for each exposure with a value. Tables of
/// levels and pairs go to BandTask::products. Exposures of all tasks are one pool. Collective over context.world.
StepOutcome run_skymatch(StepContext& context, std::vector<BandTask> const& tasks);

}  // namespace tessera::steps
