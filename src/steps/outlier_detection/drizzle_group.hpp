// Drizzling the exposures of one group onto blocks. Private to the step.
#pragma once
#include <functional>
#include <span>
#include <vector>

#include "outlier_memory.hpp"
#include "tessera/exchange/exposure_drizzler.hpp"

namespace tessera::steps {

/// A drizzler for the exposures of a plan.
exchange::ExposureDrizzler make_drizzler(StepContext& context, OutlierPlan const& plan, OutlierMemory const& memory);

/// Empty accumulators of these blocks.
std::vector<kernels::BlockAccumulator> make_accumulators(OutlierPlan const& plan, std::span<std::int64_t const> blocks);

/// Finishes the blocks, a few at a time (threads share them), frees their accumulators, and hands them over in order.
void finish_blocks(std::vector<kernels::BlockAccumulator> accumulators,
                   std::function<void(std::size_t k, kernels::DrizzledBlock block)> const& take);

/// Blocks of the plan that any of `positions` may reach, row by row of the grid: exposures are read in rows, and most
/// lie nearly upright on the grid.
std::vector<std::int64_t> blocks_under(OutlierPlan const& plan, std::span<int const> positions);

}  // namespace tessera::steps
