// Drizzling the exposures of a mosaic onto a wave of resident blocks. Private to resample.
#pragma once
#include <span>
#include <vector>

#include "tessera/steps/resample/mosaic_plan.hpp"
#include "tessera/steps/resample/resample_memory.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::steps {

/// Adds every member that may reach one of `blocks` to their accumulators: exposures outermost, in catalogue order,
/// each read once, in groups of rows that fit in `memory.rows`. Returns false when a request to abandon came in
/// between. Throws InputError when an exposure cannot be read (after one more try).
bool drizzle_wave(StepContext& context, MosaicPlan const& plan, store::Ledger const& ledger,
                  ResampleMemory const& memory, std::span<std::int64_t const> blocks,
                  std::vector<kernels::BlockAccumulator>& accumulators, StepCounts& counts);

}  // namespace tessera::steps
