// Mosaics onto an external catalogue, carried back to every exposure (spec 40, 1.14).
#pragma once
#include <vector>

#include "tessera/steps/band_task.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::steps {

/// Changes when the results of the step do.
inline constexpr int AstrometricAlignAlgorithm = 1;

/// Measures each band that has a catalogue on its mosaic (BandTask::mosaic), bands of `align_mapping` and
/// `ref_long_filter` after those that they need, and writes a WcsCorrection for every exposure to the ledger; beside
/// the mosaic the table <product>_i2d_align_table.fits and the solution <product>_i2d_align.json. A band without
/// catalogue or without matches keeps its WCS and says so. Collective.
StepOutcome run_astrometric_align(StepContext& context, std::vector<BandTask> const& tasks);

}  // namespace tessera::steps
