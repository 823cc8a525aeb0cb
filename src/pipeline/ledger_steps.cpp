#include "tessera/pipeline/ledger_steps.hpp"

#include <algorithm>

#include "tessera/steps/apply_wcs_adjust/apply_wcs_adjust_step.hpp"
#include "tessera/steps/level_match/level_match_step.hpp"
#include "tessera/steps/lyot_mask/lyot_mask_step.hpp"
#include "tessera/steps/lyot_separate/lyot_separate_step.hpp"
#include "tessera/steps/multi_tile_destripe/multi_tile_destripe_step.hpp"
#include "tessera/steps/outlier_detection/outlier_detection_step.hpp"
#include "tessera/steps/skymatch/skymatch_step.hpp"

namespace tessera::pipeline {

std::span<LedgerStep const> ledger_steps() {
  static std::vector<LedgerStep> const steps{
      {"apply_wcs_adjust", "apply_wcs_adjust", steps::ApplyWcsAdjustAlgorithm, {}, steps::run_apply_wcs_adjust},
      {"lyot_mask", "lyot_mask", steps::LyotMaskAlgorithm, {"method"}, steps::run_lyot_mask},
      {"lyot_separate", "lyot_separate", steps::LyotSeparateAlgorithm, {}, steps::run_lyot_separate},
      {"level_match", "level_match", steps::LevelMatchAlgorithm, {""}, steps::run_level_match},
      {"multi_tile_destripe",
       "multi_tile_destripe",
       steps::MultiTileDestripeAlgorithm,
       {""},
       steps::run_multi_tile_destripe},
      {"skymatch",
       "lv3",
       steps::SkymatchAlgorithm,
       {"jwst_parameters.skymatch.", "skymatch_group_dithers", "skymatch_degroup_dithers"},
       steps::run_skymatch},
      {"outlier_detection",
       "lv3",
       steps::OutlierDetectionAlgorithm,
       {"jwst_parameters.outlier_detection."},
       steps::run_outlier_detection}};
  return steps;
}

bool takes_calibrated(std::string_view listed) {
  auto const steps = ledger_steps();
  return listed == "lv3" ||
         std::any_of(steps.begin(), steps.end(), [&](LedgerStep const& step) { return step.listed == listed; });
}

}  // namespace tessera::pipeline
