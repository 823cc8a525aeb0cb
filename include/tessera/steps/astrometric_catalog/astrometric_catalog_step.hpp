// Stars of finished mosaics, for alignment (spec 40, 1.13).
#pragma once
#include <vector>

#include "tessera/steps/mosaic_task.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::steps {

/// Changes when the results of the step do.
inline constexpr int AstrometricCatalogAlgorithm = 1;

/// Writes <product>_astro_cat.fits of every mosaic, its pixels read in bands of rows divided over the ranks.
/// Collective.
StepOutcome run_astrometric_catalog(StepContext& context, std::vector<MosaicTask> const& tasks);

}  // namespace tessera::steps
