// `tessera simulate`: a survey of `_cal` exposures on disk, with the truth beside it.
#pragma once
#include <cstdint>
#include <filesystem>

#include "tessera/config/simulation_settings.hpp"
#include "tessera/parallel/communicator.hpp"

namespace tessera::simulate {

struct SimulationSummary {
  std::size_t exposure_count = 0;
  std::int64_t pixel_count = 0;         ///< of SCI, all exposures
  std::int64_t byte_count = 0;          ///< of the files
  double seconds = 0;                   ///< of the slowest rank
  std::filesystem::path configuration;  ///< ready for `tessera run`
};

/// Writes under `out`: raw/<target>/mastDownload/JWST/<exposure>/<exposure>_cal.fits, config.toml, local.toml,
/// alignment/<target>_stars.fits (bright field stars, RA, DEC) and truth/ (truth.json: an array, one exposure a line;
/// <target>_sources.fits, planes/).
///
/// Collective. Ranks own exposures and hold one at a time; the bytes of every file are the same for any number of
/// ranks. Throws ConfigError (agreed on all ranks) or IoError.
SimulationSummary run_simulation(parallel::Communicator const& communicator, config::SimulationSettings const& settings,
                                 std::filesystem::path const& out);

}  // namespace tessera::simulate
