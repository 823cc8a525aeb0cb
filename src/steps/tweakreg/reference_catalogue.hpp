// Stars that the absolute stage of tweakreg moves the exposures to.
#pragma once
#include <string>
#include <vector>

#include "tessera/exchange/alignment.hpp"
#include "tessera/steps/band_task.hpp"
#include "tessera/steps/tweakreg/tweakreg_options.hpp"

namespace tessera::steps {

struct ReferenceCatalogue {
  std::vector<model::Star> stars;  ///< empty: no absolute stage
  std::string problem;             ///< why there are none though they were asked for
  std::vector<std::string> warnings;
};

/// Read from the file of abs_refcat, with proper motions to the epoch at which the first of `members` was observed.
/// What is wrong with the file is a `problem`. With save_abs_catalog also written to the products. One rank.
ReferenceCatalogue read_reference_catalogue(BandTask const& task, TweakregStepOptions const& options,
                                            std::vector<store::ExposureRecord> const& records);

}  // namespace tessera::steps
