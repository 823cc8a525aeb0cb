// One (target, band) of a step that writes the ledger.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "tessera/config/bands.hpp"
#include "tessera/config/resolved_parameters.hpp"
#include "tessera/store/ledger.hpp"
#include "tessera/store/manifest.hpp"

namespace tessera::steps {

/// What a ledger-making step is to do for one (target, band). The pipeline makes it; the same on all ranks.
struct BandTask {
  std::string target, band;               ///< band as in the configuration, e.g. "F770W_bgr"
  config::Band band_facts;                ///< instrument, class, FWHM
  std::vector<int> members;               ///< records of StepContext::records in catalogue order (halves after a split)
  config::ResolvedParameters parameters;  ///< of the listed step: "level_match", or "lv3" for the official sub-steps
  store::Ledger before;                   ///< corrections of the steps before this one
  int order = 0;                          ///< NN of the ledger file: position in the run
  std::string step;                       ///< official name: "level_match", "skymatch", ...
  std::filesystem::path ledger_file;      ///< <target_dir>/ledger/<band>/NN_<step>.h5
  std::filesystem::path products;         ///< folder for tables and plots: <target_dir>/<band>/<step>
  std::filesystem::path scratch;      ///< folder for what is large and passing; shared by all ranks, removed at the end
  std::filesystem::path adjustments;  ///< <target_dir>/<target>_wcs_adjust.toml, for apply_wcs_adjust
  std::filesystem::path alignment_dir;  ///< local.toml's: catalogues of the user; may be empty
  std::filesystem::path mosaic;         ///< lv3's <product>_i2d.fits, for steps that come after it; else empty
  std::filesystem::path star_table;     ///< sources of that mosaic: _astro_cat.fits or _cat.ecsv; may not be there
  store::Manifest manifest;             ///< what the entries are made from
  std::string key;                      ///< manifest.key()

  std::string label() const { return target + " " + band; }
};

}  // namespace tessera::steps
