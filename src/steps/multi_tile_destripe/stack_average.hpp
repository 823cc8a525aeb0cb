// The average of all exposures, by sky (spec 40, 1.10 steps 1 and 2).
#pragma once
#include <span>

#include "destripe_task.hpp"
#include "tessera/parallel/progress.hpp"

namespace tessera::steps {

/// Stacks this rank's `blocks` (reached ones) and writes them. Many blocks are resident together as far as the budget
/// allows, exposures outermost, so that each is read once a wave; where the values of a block are too many (medians) it
/// goes by bands of rows. The result does not depend on how it is cut. False: a stop request. Independent.
bool stack_average(StepContext& context, DestripeTask const& task, DestripePass const& pass,
                   std::span<std::int64_t const> blocks, BlockImageWriter& writer, parallel::Progress& progress,
                   StepCounts& counts);

/// A part of a block that is stacked in one go.
struct StackBand {
  std::int64_t block = 0;
  model::PixelBox box;  ///< pixels of the grid
};

/// Cuts blocks into waves of bands, each within `bytes`, whole blocks as far as they fit. At least one row a band.
/// Exposed for tests.
std::vector<std::vector<StackBand>> cut_stack_waves(exchange::SkyPlan const& plan, std::span<std::int64_t const> blocks,
                                                    kernels::StackMethod method, std::int64_t bytes);

}  // namespace tessera::steps
