// The medians as a FITS file, for looking at. Private to the step.
#pragma once
#include "outlier_plan.hpp"

namespace tessera::steps {

/// <products>/<target>_<band>_median.fits (save_intermediate_results): the medians with the WCS of their grid, or the
/// pixels of the detector. Collective over `world`. Throws IoError on all ranks.
std::filesystem::path write_median_fits(parallel::Communicator const& world, StepContext const& context,
                                        OutlierPlan const& plan);

}  // namespace tessera::steps
