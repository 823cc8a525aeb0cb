// The images of one task aligned by one rank, and what is said and written about it.
#pragma once
#include <string>
#include <vector>

#include "tessera/exchange/alignment.hpp"
#include "tessera/steps/band_task.hpp"
#include "tessera/steps/tweakreg/tweakreg_options.hpp"
#include "tessera/store/exposure_record.hpp"

namespace tessera::steps {

/// A line for the log; written by the root, so that lines of many tasks come in their order.
struct AlignmentNote {
  bool is_warning = false;
  std::string text;
};

struct AlignedTask {
  std::vector<std::optional<model::WcsCorrection>> corrections;  ///< [image]
  std::vector<AlignmentNote> notes;
};

/// Aligns, and writes tweakreg_groups.csv, tweakreg_residuals.csv and .png (and of the global solution
/// tweakreg_pairs.csv and tweakreg_detectors.csv) to the products. Independent.
AlignedTask align_task(BandTask const& task, TweakregStepOptions const& options,
                       std::vector<exchange::AlignImage> images, std::vector<store::ExposureRecord> const& records);

}  // namespace tessera::steps
