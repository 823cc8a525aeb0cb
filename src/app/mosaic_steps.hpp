// The correcting steps of `tessera mosaic`, from its command line.
#pragma once
#include <filesystem>
#include <vector>

#include "commands.hpp"
#include "tessera/pipeline/run_plan.hpp"

namespace tessera::app {

/// Steps that --steps and --set ask for, on all records of the inventory as one band "mosaic" whose ledger lies below
/// `folder`. Adds the exposures and planned steps to the request. Throws ConfigError(s) as for a configuration.
void add_mosaic_steps(MosaicOptions const& options, std::filesystem::path const& folder, pipeline::RunRequest& request);

}  // namespace tessera::app
