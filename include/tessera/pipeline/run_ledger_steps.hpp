// Running the ledger steps of a plan, each where it is not up to date.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "tessera/pipeline/run_plan.hpp"
#include "tessera/pipeline/timing.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::pipeline {

/// How the ledger steps ended: the same on all ranks.
struct LedgerRun {
  std::vector<StepTiming> timing;  ///< of the steps that had something to do
  std::vector<parallel::Failure> failures;
  std::set<std::pair<std::string, std::string>> failed_bands;  ///< (target, band) without the ledger of some step
  std::size_t committed = 0;                                   ///< ledger files that are there: made now or up to date
  bool stopped = false;                                        ///< a stop request ended it: run again to go on
};

/// Takes the records of exposures that failed in a step out of `members`: they lack its correction, and would leave a
/// seam. A half counts for the whole.
void leave_out_failed(std::vector<int>& members, std::vector<parallel::Failure> const& failures,
                      std::vector<store::ExposureRecord> const& records);

/// Runs the steps that come before the mosaics, or those after them, in order, and adds to `run`. A (target, band)
/// whose ledger file has the manifest of this very work is left alone; one that a step leaves without its file takes no
/// part in later steps, nor does an exposure that failed; the others go on. Ledger files of steps that are not
/// configured any more are moved to a folder "superseded" beside them. Collective.
void run_ledger_steps(steps::StepContext& context, RunRequest const& request, bool after_mosaics, LedgerRun& run);

/// What a product on the disk is made from: the key of its manifest, else its size and time; "none" where there is
/// none.
std::string product_state(std::filesystem::path const& product);

/// What a ledger file of (step, band) would be made from now. Independent; one rank.
store::Manifest ledger_manifest(RunRequest const& request, PlannedStep const& planned, BandWork const& work,
                                store::Ledger const& before);

}  // namespace tessera::pipeline
