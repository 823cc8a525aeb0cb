// The plan of a run: what will be made from what, by whom, with how much memory and disk, and what is missing.
#pragma once
#include <string>
#include <vector>

#include "tessera/config/survey.hpp"
#include "tessera/parallel/communicator.hpp"
#include "tessera/parallel/control.hpp"
#include "tessera/pipeline/mosaic_steps.hpp"
#include "tessera/pipeline/planned_steps.hpp"
#include "tessera/pipeline/survey_inputs.hpp"
#include "tessera/pipeline/timing.hpp"
#include "tessera/steps/resample/mosaic_plan.hpp"
#include "tessera/store/inventory.hpp"

namespace tessera::pipeline {

/// What was done before a plan could be made: level 2.
struct EarlierWork {
  std::vector<StepTiming> timing;
  std::vector<parallel::Failure> failures;
  std::size_t made = 0;  ///< products there are
  bool stopped = false;  ///< nothing more is done: run again to go on
};

/// What is asked for, from a configuration or from `tessera mosaic`.
struct RunRequest {
  EarlierWork earlier;
  store::Inventory inventory;
  std::vector<BandExposures> exposures;       ///< of every (target, band), as their files are
  std::vector<PlannedStep> steps;             ///< that write the ledger, in order, before the mosaics and after them
  std::vector<steps::MosaicRequest> mosaics;  ///< of lv3, and those drizzled again once they are aligned
  std::vector<MosaicWork> mosaic_steps;       ///< made from lv3's mosaics
  std::vector<std::string> warnings;          ///< said once, before work begins
  std::vector<std::string> missing;           ///< everything that keeps the run from starting
  bool shared_grid = false;                   ///< one grid for all bands of a target
  bool stop_on_error = false;
  std::filesystem::path report_folder;      ///< where log, timing and report go
  std::string configuration_json;           ///< provenance
  std::filesystem::path previous_products;  ///< folder of another version that the report compares with; or empty
};

/// Whether a step is listed that starts from calibrated exposures or mosaics.
bool works_on_calibrated(config::Survey const& survey);

/// A survey's request: inputs found, parameters of lv3's resample resolved. `calibrated`: the exposures that level 2
/// has made; unset: those that find_survey_inputs finds. Collective.
RunRequest request_from_survey(parallel::Communicator const& communicator, config::Survey const& survey,
                               std::optional<CalibratedFiles> const& calibrated = std::nullopt);

/// The same from inputs that are known: for saying what will be missing before there is anything. Independent.
RunRequest request_from_inputs(config::Survey const& survey, SurveyInputs inputs);

struct RunPlan {
  RunRequest request;
  std::vector<steps::MosaicPlan> mosaics;
  std::vector<store::Ledger> ledgers;  ///< [mosaic]
  std::int64_t memory_per_rank = 0;
  int ranks = 1;
  std::int64_t program_bytes =
      0;  ///< largest resident set of a rank when the plan was made; the budget less this is for steps
  std::int64_t bytes_to_read = 0;   ///< at least: every input once
  std::int64_t bytes_to_write = 0;  ///< products, and the HDF5 while they are made
};

/// Grids, blocks, memory and disk. With `ranks` > 0 the plan is for that many instead of the communicator's. Everything
/// that cannot work is added to request.missing (a mosaic that is too large for the disk, a budget too small), saying
/// what would. Collective.
RunPlan make_run_plan(parallel::Communicator const& communicator, RunRequest request, std::int64_t memory_per_rank,
                      int ranks = 0);

/// The lines of rank 0 on all ranks: what decides whether a run begins must be the same. Collective.
void agree_on_missing(parallel::Communicator const& communicator, std::vector<std::string>& missing);

/// Tables for a person: mosaics, ranks, memory, disk, notes, what is missing.
std::string describe(RunPlan const& plan);

/// Plans the mosaics of `plan.request` anew with the ledger as it is now: what a run does after its ledger steps. What
/// cannot work is added to request.missing. Collective.
void plan_mosaics(parallel::Communicator const& communicator, RunPlan& plan);

/// Mosaics of one drizzle and the ledgers they are made with: lv3's, or those made again once they are aligned.
struct MosaicSet {
  std::vector<steps::MosaicPlan> mosaics;
  std::vector<store::Ledger> ledgers;  ///< [mosaic]
};
MosaicSet mosaics_of(RunPlan const& plan, bool is_aligned);

/// Ledger of a (target, band) after the configured steps (those before number `before_order`), as rank 0 sees it; what
/// a step has not written yet is left out. Collective; InputError is agreed.
store::Ledger open_ledger(parallel::Communicator const& communicator, RunRequest const& request,
                          std::string const& target, std::string const& band, int before_order = AllSteps);

}  // namespace tessera::pipeline
