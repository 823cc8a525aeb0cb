// The tables of skymatch: one row an exposure, one row a pair of groups.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "solve_skies.hpp"

namespace tessera::steps {

/// How an exposure came out.
struct SkyResult {
  std::optional<double> level;  ///< to be taken off; none: SKIPPED
  double start = 0;             ///< taken off before
  bool failed = false;
};

/// exposure,group,level,pixels,group_level,sky,status
std::string exposure_table(SkymatchOptions const& options, std::vector<store::ExposureRecord const*> const& members,
                           std::vector<std::vector<SkyMeasurement>> const& measured, SkyNeighbours const& neighbours,
                           TaskSkies const& skies, std::vector<SkyResult> const& results);

/// group_1,group_2,pixels_1,pixels_2,level_1,level_2,difference,residual
std::string pair_table(std::vector<std::string> const& group_names, TaskSkies const& skies);

}  // namespace tessera::steps
