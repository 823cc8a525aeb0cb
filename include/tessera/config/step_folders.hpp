// Which folder of a band each step reads and writes (spec 40, 0.4 "Input directory chaining").
#pragma once
#include <span>
#include <string>
#include <vector>

#include "tessera/config/step_list.hpp"

namespace tessera::config {

struct StepFolders {
  std::string step;
  std::string input_folder;     ///< below <reprocess_dir>/<version>/<target>/<band>
  std::string output_folder;    ///< likewise
  std::string input_extension;  ///< "uncal", "rate", "cal", "i2d", "i2d_align", "i2d_anchor"
  bool takes_raw = false;       ///< first step of the band: move_raw_obs fills its input folder
};

/// One entry for each listed step that works in the band's folders, in order. psf_matching and
/// mosaic_individual_fields always read lv3, whatever ran before them.
std::vector<StepFolders> chain_step_folders(std::span<StepEntry const> steps, Band const& band);

}  // namespace tessera::config
