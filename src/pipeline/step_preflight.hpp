// What a step needs besides exposures, looked at before any work begins.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "tessera/pipeline/planned_steps.hpp"
#include "tessera/steps/mosaic_task.hpp"

namespace tessera::pipeline {

/// Something that a step needs and that is not there, or options that do not go together; "" when all is well.
/// `has_shifts`: the file of shifts is written by a step before.
std::string problem_before(LedgerStep const& step, BandWork const& work, bool has_shifts);

/// Catalogues of the user that the result of the step depends on. What is not there is left out: problem_before or the
/// step itself says so.
std::vector<std::filesystem::path> catalogues_of(LedgerStep const& step, BandWork const& work);

/// Options that do not go together; "" when all is well.
std::string problem_before(steps::MosaicTask const& task);

}  // namespace tessera::pipeline
