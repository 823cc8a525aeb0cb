// Which ledger steps run, on which exposures, in what order: from the configured list of steps.
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tessera/config/survey.hpp"
#include "tessera/pipeline/ledger_steps.hpp"
#include "tessera/store/inventory.hpp"

namespace tessera::pipeline {

/// One (target, band) of a planned step.
struct BandWork {
  std::string target;
  config::Band band;
  std::vector<int> members;        ///< records of the inventory, catalogue order
  std::vector<int> members_after;  ///< those there are when it is done: others where halves are joined
  config::ResolvedParameters parameters;
  std::filesystem::path target_dir, products;
  std::filesystem::path alignment_dir;            ///< of local.toml
  std::filesystem::path mosaic;                   ///< lv3's _i2d.fits, whether it is there or not
  std::vector<std::filesystem::path> stars_of;    ///< where the sources of that mosaic may be: the first that is there
  std::vector<std::filesystem::path> catalogues;  ///< of the user, that the result depends on
};

/// A ledger step in its place.
struct PlannedStep {
  LedgerStep const* step = nullptr;
  int order = 0;  ///< NN of its ledger files: 1, 2, ... over the ledger steps of the run
  std::vector<BandWork> bands;
};

/// The exposures of a (target, band) as their files are: before any step.
struct BandExposures {
  std::string target;
  std::string band;
  std::vector<int> members;
};

/// The steps and what they leave to lv3's resample.
struct PlannedSteps {
  std::vector<PlannedStep> steps;
  std::vector<BandExposures> exposures;
  /// [target][band]: records that exist after the last step: halves where a coronagraph was separated and not joined
  /// again.
  std::vector<std::vector<std::vector<int>>> members;
  std::vector<std::string> missing;  ///< what keeps the run from starting
};

/// Goes through the configured steps in their order. `members` ([target][band]) are the whole exposures; records of
/// halves are added to the inventory where lyot_separate makes them.
PlannedSteps plan_steps(config::Survey const& survey, store::Inventory& inventory,
                        std::vector<std::vector<std::vector<int>>> members);

/// More than any number of a step.
inline constexpr int AllSteps = 1000;

/// Records that exist once all steps up to number `order` are done.
std::vector<int> members_after(std::vector<PlannedStep> const& steps, BandExposures const& exposures, int order);

/// Ledger file of a step for a (target, band): <target_dir>/ledger/<band>/NN_<step>.h5. get_wcs_adjust corrects nothing
/// by itself: <target_dir>/get_wcs_adjust/<band>_wcs_adjust.toml.
std::filesystem::path ledger_file(PlannedStep const& planned, BandWork const& work);

/// Files of the steps before number `before_order` that run on (target, band), in order: what an exposure has seen.
std::vector<std::pair<std::string, std::filesystem::path>> ledger_files(std::vector<PlannedStep> const& steps,
                                                                        std::string const& target,
                                                                        std::string const& band, int before_order);

}  // namespace tessera::pipeline
