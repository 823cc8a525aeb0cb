// The steps that write the ledger, as the pipeline knows them.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/config/step_list.hpp"
#include "tessera/steps/band_task.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::pipeline {

/// A step that adds corrections of exposures: what it is called, what its results depend on, and how it is run.
struct LedgerStep {
  std::string name;                     ///< official name: of the ledger file, the timing row, the documentation
  std::string listed;                   ///< entry of `steps` that it belongs to: itself, or "lv3"
  int algorithm = 1;                    ///< changes when its results do
  std::vector<std::string> parameters;  ///< starts of the keys of its parameters
  steps::StepOutcome (*run)(steps::StepContext&, std::vector<steps::BandTask> const&) = nullptr;
  bool whole_target = false;   ///< bands of a target need each other: all are done when one is to be
  bool after_mosaics = false;  ///< measured on lv3's mosaics, which are drizzled again with its corrections

  /// Key of `skip` where the step is one of the official steps in lv3; empty where leaving it out is how it is skipped.
  std::string skip_key() const { return listed == name ? "" : "jwst_parameters." + name + ".skip"; }
};

/// In the order in which they run within one entry of `steps`.
std::span<LedgerStep const> ledger_steps();

/// Whether a listed step starts from calibrated exposures: a ledger step, or lv3.
bool takes_calibrated(std::string_view listed);
/// As it is listed: not where it is to work on count rates.
bool takes_calibrated(config::StepEntry const& entry);

}  // namespace tessera::pipeline
