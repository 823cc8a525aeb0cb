// The report: one HTML page a run.
#pragma once
#include <filesystem>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/parallel/control.hpp"
#include "tessera/pipeline/run_plan.hpp"
#include "tessera/pipeline/timing.hpp"

namespace tessera::pipeline {

/// Writes the page: how it ended, mosaics with their pictures and links, exposures used, notes, quarantined files,
/// failures, the timing table, the configuration and the program. Pictures are linked by relative paths. One rank.
void write_report(std::filesystem::path const& path, RunPlan const& plan, std::vector<StepTiming> const& timing,
                  std::vector<parallel::Failure> const& failures, ExitStatus status);

}  // namespace tessera::pipeline
