// Third phase: one exposure against the medians. Private to the step.
#pragma once
#include <optional>
#include <vector>

#include "median_file.hpp"
#include "outlier_memory.hpp"

namespace tessera::steps {

struct FlaggedExposure {
  std::vector<model::LedgerEntry> entries;  ///< one FlagCorrection, or none
  std::int64_t flagged = 0;                 ///< pixels
  std::int64_t bytes_read = 0;
};

/// Blots the medians (spec 30, 3.3) and flags (3.4), rows by rows. Pixels that are DO_NOT_USE already take no part.
/// nullopt: a request to abandon. Throws InputError. Independent.
std::optional<FlaggedExposure> flag_exposure(StepContext& context, OutlierPlan const& plan, int position,
                                             OutlierMemory const& memory, MedianReader& medians);

}  // namespace tessera::steps
