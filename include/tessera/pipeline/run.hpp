// Running a plan: preflight, steps, report.
#pragma once
#include "tessera/core/error.hpp"
#include "tessera/parallel/communicator.hpp"
#include "tessera/pipeline/run_plan.hpp"

namespace tessera::pipeline {

/// Runs every step of the plan: those that write the ledger, then the mosaics, planned anew with it. Says on the log
/// what happens, writes log, timing and report, and returns how it ended, the same on all ranks. Nothing is made when
/// request.missing is not empty. Collective.
ExitStatus run_plan(parallel::Communicator const& communicator, RunPlan plan);

/// Only what comes at the end of a run: log, timing and report of the work that was done earlier. Collective.
ExitStatus finish_without_mosaics(parallel::Communicator const& communicator, RunPlan const& plan);

}  // namespace tessera::pipeline
