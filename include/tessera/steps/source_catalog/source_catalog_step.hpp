// The official source catalogue and segmentation map of finished mosaics (spec 30, 5).
#pragma once
#include <vector>

#include "tessera/steps/mosaic_task.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::steps {

/// Changes when the results of the step do.
inline constexpr int SourceCatalogAlgorithm = 1;

/// Writes <product>_cat.ecsv (the task's main product) and <product>_segm.fits of every mosaic, by sky blocks divided
/// over the ranks. Of a mosaic without sources the catalogue has no rows, and there is no map. Collective.
StepOutcome run_source_catalog(StepContext& context, std::vector<MosaicTask> const& tasks);

}  // namespace tessera::steps
