// First phase: the least weight that counts in the image of a group. Private to the step.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "outlier_memory.hpp"

namespace tessera::steps {

/// An exposure that could not be read.
struct LostExposure {
  int position = 0;
  std::string message;
  int status = 0;
};

struct GroupThreshold {
  double threshold = 0;  ///< NaN: no weight at all
  std::vector<LostExposure> lost;
  std::int64_t bytes_read = 0;
};

/// Drizzles the weights of a group (spec 30, 3.2 items 2 and 3), or with resample_data false takes those of the
/// exposure itself. Exposures that cannot be read are left out and named. nullopt: a request to abandon. Independent.
std::optional<GroupThreshold> find_group_threshold(StepContext& context, OutlierPlan const& plan, std::size_t group,
                                                   OutlierMemory const& memory);

}  // namespace tessera::steps
