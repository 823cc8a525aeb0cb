// The pjpipe configuration that belongs to a simulated survey.
#pragma once
#include <filesystem>

#include "tessera/simulate/survey_plan.hpp"

namespace tessera::simulate {

/// Writes config.toml (targets, bands, steps = ["lv3"] with nothing to align, match or reject) and local.toml (where
/// things are) into `out`.
void write_configuration(std::filesystem::path const& out, SurveyPlan const& plan);

}  // namespace tessera::simulate
