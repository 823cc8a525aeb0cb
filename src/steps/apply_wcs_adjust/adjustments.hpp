// The file of shifts as one rank reads it for all.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "tessera/config/wcs_adjust_file.hpp"
#include "tessera/parallel/communicator.hpp"

namespace tessera::steps {

/// A file of shifts, or what is wrong with it.
struct ReadAdjustments {
  config::WcsAdjustments adjustments;
  std::vector<std::string> unknown_keys;  ///< that no exposure can have
  std::string problem;                    ///< one line; empty: none
  int status = 0;                         ///< ExitStatus of the problem
};

/// Reads `path` on rank 0 and tells all. A file that is missing, is no TOML of the right form, or has a matrix that
/// cannot be inverted or a tangent point that is not on the sky is a problem. Collective.
ReadAdjustments read_adjustments(parallel::Communicator const& communicator, std::filesystem::path const& path);

}  // namespace tessera::steps
