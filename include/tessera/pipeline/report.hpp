// The report: one self-contained HTML page a survey.
#pragma once
#include <filesystem>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/parallel/control.hpp"
#include "tessera/pipeline/run_plan.hpp"
#include "tessera/pipeline/timing.hpp"

namespace tessera::pipeline {

/// Writes the page, for one survey: how it ended, failures, quarantined files and warnings, time and memory, and for
/// every target what ran, mosaics, comparison with a previous version, levels, stripes, alignment and flags as far as
/// their products are there; then the program and the configuration (docs/formats/report.md). Everything it shows is
/// in the page: pictures are shrunk so that it stays below 20 MB and linked to the full ones by relative paths. A
/// product that is missing or broken is left out. One rank. Throws IoError where the page cannot be written.
void write_report(std::filesystem::path const& path, RunPlan const& plan, std::vector<StepTiming> const& timing,
                  std::vector<parallel::Failure> const& failures, ExitStatus status);

}  // namespace tessera::pipeline
