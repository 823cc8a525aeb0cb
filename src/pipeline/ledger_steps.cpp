#include "tessera/pipeline/ledger_steps.hpp"

#include <algorithm>

#include "tessera/steps/apply_wcs_adjust/apply_wcs_adjust_step.hpp"
#include "tessera/steps/astrometric_align/astrometric_align_step.hpp"
#include "tessera/steps/get_wcs_adjust/get_wcs_adjust_step.hpp"
#include "tessera/steps/level_match/level_match_step.hpp"
#include "tessera/steps/lyot_mask/lyot_mask_step.hpp"
#include "tessera/steps/lyot_separate/lyot_separate_step.hpp"
#include "tessera/steps/multi_tile_destripe/multi_tile_destripe_step.hpp"
#include "tessera/steps/outlier_detection/outlier_detection_step.hpp"
#include "tessera/steps/single_tile_destripe/single_tile_destripe_step.hpp"
#include "tessera/steps/skymatch/skymatch_step.hpp"
#include "tessera/steps/tweakreg/tweakreg_step.hpp"

namespace tessera::pipeline {

std::span<LedgerStep const> ledger_steps() {
  static std::vector<LedgerStep> const steps{
      {.name = "get_wcs_adjust",
       .listed = "get_wcs_adjust",
       .algorithm = steps::GetWcsAdjustAlgorithm,
       .parameters = {""},
       .run = steps::run_get_wcs_adjust,
       .whole_target = true},
      {"single_tile_destripe",
       "single_tile_destripe",
       steps::SingleTileDestripeAlgorithm,
       {""},
       steps::run_single_tile_destripe},
      {"apply_wcs_adjust", "apply_wcs_adjust", steps::ApplyWcsAdjustAlgorithm, {}, steps::run_apply_wcs_adjust},
      {"lyot_mask", "lyot_mask", steps::LyotMaskAlgorithm, {"method"}, steps::run_lyot_mask},
      {"lyot_separate", "lyot_separate", steps::LyotSeparateAlgorithm, {}, steps::run_lyot_separate},
      {"level_match", "level_match", steps::LevelMatchAlgorithm, {""}, steps::run_level_match},
      {"multi_tile_destripe",
       "multi_tile_destripe",
       steps::MultiTileDestripeAlgorithm,
       {""},
       steps::run_multi_tile_destripe},
      {"tweakreg", "lv3", steps::TweakregAlgorithm, {"jwst_parameters.tweakreg.", "tweakreg_"}, steps::run_tweakreg},
      {"skymatch",
       "lv3",
       steps::SkymatchAlgorithm,
       {"jwst_parameters.skymatch.", "skymatch_group_dithers", "skymatch_degroup_dithers"},
       steps::run_skymatch},
      {"outlier_detection",
       "lv3",
       steps::OutlierDetectionAlgorithm,
       {"jwst_parameters.outlier_detection."},
       steps::run_outlier_detection},
      {.name = "astrometric_align",
       .listed = "astrometric_align",
       .algorithm = steps::AstrometricAlignAlgorithm,
       .parameters = {""},
       .run = steps::run_astrometric_align,
       .whole_target = true,
       .after_mosaics = true}};
  return steps;
}

bool takes_calibrated(std::string_view listed) {
  auto const steps = ledger_steps();
  return listed == "lv3" ||
         std::any_of(steps.begin(), steps.end(), [&](LedgerStep const& step) { return step.listed == listed; });
}

bool takes_calibrated(config::StepEntry const& entry) { return !entry.takes_rates && takes_calibrated(entry.step); }

}  // namespace tessera::pipeline
