// All stars of all groups that hang together, solved for at once with robust weights.
#pragma once
#include <array>
#include <vector>

#include "adjustment.hpp"
#include "pair_graph.hpp"

namespace tessera::exchange {

/// What the joint solution says beside the state of its Adjustment.
struct JointSolution {
  StarChains chains;
  std::vector<double> robust;       ///< [member] 0 to 1: the robust weight
  std::vector<Residual> residuals;  ///< [member]
  double unit_weight_error = 0;     ///< of the errors as stated; without any: 1 by construction
  double typical_error = 0;         ///< arcsec: median of the errors that sightings were found to have, along an axis
  double image_misfit = 1;          ///< chi squared of the mean residuals of images over its degrees of freedom
  double radius = 0;                ///< arcsec: within which sightings are one star
};

/// `scatter`: of a match of a pair along one axis, arcsec, as the pairs found it. Sightings are linked only within
/// islands; those of groups that are in none are left out.
JointSolution solve_jointly(GroupLists const& lists, Islands const& islands, double scatter,
                            GlobalAlignmentOptions const& options, Adjustment& adjustment,
                            std::vector<DetectorAxes> const& detectors);

}  // namespace tessera::exchange
