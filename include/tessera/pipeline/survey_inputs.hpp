// From a configuration to the exposures of each target and band.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tessera/config/survey.hpp"
#include "tessera/parallel/communicator.hpp"
#include "tessera/parallel/control.hpp"
#include "tessera/store/inventory.hpp"

namespace tessera::pipeline {

/// (target, band) -> its calibrated exposures, catalogue order.
using CalibratedFiles = std::map<std::pair<std::string, std::string>, std::vector<std::string>>;

/// The inventory of a survey and which records each (target, band) takes.
struct SurveyInputs {
  store::Inventory inventory;
  /// [target][band]: record numbers in catalogue order. Empty where nothing was found.
  std::vector<std::vector<std::vector<int>>> members;
  bool are_made_here = false;  ///< by level 2 of this survey: what it could not make is no reason to refuse the rest
};

/// Finds and examines the calibrated exposures that the first listed step of ours starts from, for every target and
/// band (spec 40, 0.4): files of [tessera] inputs; else the newest step folder of the band that holds `_cal` files;
/// else `raw_dir` in the layout of the archive. Bands take files by FILTER and PUPIL, science or off-field. Collective.
/// `calibrated`: what level 2 made in this run; nothing else is looked for then.
SurveyInputs find_survey_inputs(parallel::Communicator const& communicator, config::Survey const& survey,
                                std::optional<CalibratedFiles> const& calibrated = std::nullopt);

}  // namespace tessera::pipeline
