// The first part of a run that starts from count rates: what is calibrated with what, and doing it.
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tessera/config/survey.hpp"
#include "tessera/parallel/communicator.hpp"
#include "tessera/pipeline/survey_inputs.hpp"
#include "tessera/pipeline/timing.hpp"
#include "tessera/steps/lv2/associate.hpp"
#include "tessera/steps/lv2/calibrate_exposures.hpp"
#include "tessera/steps/lv2/off_backgrounds.hpp"
#include "tessera/steps/step_context.hpp"
#include "tessera/store/inventory.hpp"

namespace tessera::pipeline {

/// What is to be calibrated. Everything is planned, done already or not.
struct CalibrationPlan {
  bool starts_from_rates = false;  ///< the survey lists lv2 and count rates were found
  std::string context;             ///< CRDS context
  std::vector<steps::RateRecord> records;
  std::vector<steps::CalibrationBand> bands;
  std::vector<steps::CalibrationItem> offs;  ///< offs that are destriped before they are combined
  std::vector<steps::OffBackground> backgrounds;
  std::vector<steps::CalibrationItem> exposures;
  std::map<std::string, std::string> associations;  ///< path of an asn_lv2_<band>.json -> its text
  std::vector<store::InputNote> notes, broken;
  std::vector<std::string> warnings;
  std::vector<std::string> missing;  ///< everything that keeps it from starting
};

/// Looks for count rates and plans what the survey wants of them. Nothing is planned (starts_from_rates is false) where
/// the survey does not list lv2, or has calibrated exposures only: said in `warnings`. Collective.
CalibrationPlan plan_calibration(parallel::Communicator const& communicator, config::Survey const& survey);

/// The survey as it goes on from the calibrated exposures: without the steps that were done on the way.
config::Survey survey_after_calibration(config::Survey survey);

/// Calibrated exposures that are there, made from what they are to be made from. Collective.
CalibratedFiles finished_products(parallel::Communicator const& communicator, CalibrationPlan const& plan);

/// How it went, the same on all ranks.
struct CalibrationRun {
  std::vector<StepTiming> timing;
  std::vector<parallel::Failure> failures;
  CalibratedFiles products;  ///< those that are up to date now
  std::size_t made = 0;      ///< products there are: made now or up to date
  bool stopped = false;
};

/// Makes what is not up to date: destriped offs, combined backgrounds, exposures. What depends on something that failed
/// fails with it. Collective.
CalibrationRun run_calibration(steps::StepContext& context, CalibrationPlan const& plan);

/// Exposures, backgrounds and references of each band, for people.
std::string describe(CalibrationPlan const& plan);
/// One line a (target, band) and background: up to date, to be made and why. One rank.
std::string describe_status(CalibrationPlan const& plan);

}  // namespace tessera::pipeline
