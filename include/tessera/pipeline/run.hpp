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

}  // namespace tessera::pipeline
