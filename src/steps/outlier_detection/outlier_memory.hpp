// How a rank's memory is divided in outlier_detection, and what is too little. Private to the step.
#pragma once
#include <cstdint>

#include "outlier_plan.hpp"

namespace tessera::steps {

/// Parts of the budget of one rank. None changes a bit of the results.
struct OutlierMemory {
  std::int64_t rows = 0;            ///< rows of an exposure in the buffer of the drizzler
  std::int64_t exposure_bytes = 0;  ///< that buffer
  std::int64_t wave_bytes = 0;      ///< accumulators and stacks of resident blocks
  std::int64_t weighed_blocks = 0;  ///< accumulators held while a group's weights are drizzled
  std::int64_t weight_bytes = 0;    ///< weights of one group; more go to a file
  std::int64_t compared_rows = 0;   ///< rows of an exposure compared at a time
  std::int64_t compared_bytes = 0;  ///< they, their blot and the medians under them
  std::size_t kept_open = 0;        ///< exposures held open with their maps

  /// The most that is held at once: the phases follow each other.
  std::int64_t total() const;
};

/// Bytes of a block's accumulator while a group is drizzled onto it, and of one plane of its stack.
std::int64_t accumulator_bytes(OutlierPlan const& plan);
inline constexpr std::int64_t StackPlaneBytes = std::int64_t{model::BlockSize} * model::BlockSize * 4;

/// Columns of an exposure blotted at a time: a turned exposure lies over a box of medians that grows with their square.
inline constexpr std::int64_t BlotTile = 2048;

/// Throws BudgetError saying the least that works. Uses no more than pays: beyond some 100 MB nothing
/// gets much faster.
OutlierMemory divide_outlier_memory(StepContext const& context, OutlierPlan const& plan);

}  // namespace tessera::steps
