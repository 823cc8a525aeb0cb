// What is done, what would be redone, and why.
#pragma once
#include <string>

#include "tessera/pipeline/run_plan.hpp"

namespace tessera::pipeline {

/// One line a mosaic: up to date; to be made (never made, or what changed); half made (blocks there). One rank.
std::string describe_status(RunPlan const& plan);

}  // namespace tessera::pipeline
