// Whether the residuals of a group have several peaks, and which of its images lie apart.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "joint_solution.hpp"

namespace tessera::exchange {

/// A second clump of differences between a group and the stars of the others, beside that of the solution.
struct ResidualClump {
  PlanePosition at;  ///< arcsec, others minus corrected group
  double share = 0;  ///< of its matches over those of the solution
};

/// The second peak of the differences between the stars of a group and those that others see within an arcsec, or
/// searchrad if that is less, where it is significant and has a sixth or more of the matches of the first. For all
/// groups; only those in islands have any.
std::vector<std::optional<ResidualClump>> find_second_clumps(GroupLists const& lists, Islands const& islands,
                                                             Adjustment const& adjustment,
                                                             JointSolution const& solution,
                                                             GlobalAlignmentOptions const& options);

/// An image whose stars lie significantly (five standard errors and 0.02") off the rest of its group.
struct ImageOffset {
  int image = 0;
  PlanePosition at;  ///< arcsec, others minus corrected image
};
std::vector<ImageOffset> find_image_offsets(JointSolution const& solution, int group, int minobj);

}  // namespace tessera::exchange
