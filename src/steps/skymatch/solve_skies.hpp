// From the measurements of all exposures of a task to the sky of each.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "measure_exposure.hpp"
#include "tessera/exchange/sky_solution.hpp"

namespace tessera::steps {

/// What is known of a task once its exposures are measured.
struct TaskSkies {
  std::vector<double> group_levels;            ///< least level of the members; NaN: none has one
  std::vector<exchange::SkyOverlap> overlaps;  ///< of groups, ascending; both sides have values
  std::vector<double> group_skies;             ///< by the method; NaN: none
};

/// Combines the members' measurements to their groups and solves. `measured` is by position among the members; empty
/// for an exposure that failed.
TaskSkies solve_skies(SkymatchOptions const& options, SkyNeighbours const& neighbours,
                      std::span<std::vector<SkyMeasurement> const> measured);

}  // namespace tessera::steps
