#include "tessera/steps/resample/resample_memory.hpp"

#include <algorithm>

#include "tessera/core/error.hpp"
#include "tessera/exchange/exposure_drizzler.hpp"

namespace tessera::steps {

namespace {

constexpr std::int64_t MegaByte = std::int64_t{1} << 20;
constexpr std::int64_t BlockPixels = std::int64_t{model::BlockSize} * model::BlockSize;

}  // namespace

ResampleMemory divide_memory(MosaicPlan const& plan, std::vector<store::ExposureRecord> const& records,
                             std::int64_t budget, std::int64_t resident, int threads) {
  auto const& options = plan.request.options;
  auto const drizzle = options.drizzle(plan.grid.pixel_scale_ratio);
  std::size_t deepest = 0;
  for (auto const& members : plan.block_members) deepest = std::max(deepest, members.size());

  ResampleMemory memory;
  std::int64_t const strip = plan.grid.nx * model::BlockSize * 4;
  memory.fixed_bytes =
      resident + kernels::BlockAccumulator::scratch_bytes(drizzle) * threads + 3 * strip + 32 * MegaByte;
  // Sums, then the finished float planes and the context bits of the block being written.
  int const images = 2 + (options.enable_err ? 4 : 0);
  std::int64_t const context =
      options.enable_ctx ? static_cast<std::int64_t>((deepest + 31) / 32) * BlockPixels * 4 : 0;
  memory.block_bytes = kernels::BlockAccumulator::bytes(drizzle) + context;
  std::int64_t const finishing = BlockPixels * 4 * images + 2 * context;
  memory.fixed_bytes += finishing * threads;

  auto const rows = exchange::exposure_rows(plan.grid, plan.request.members, records);
  std::int64_t const row_bytes = rows.row_bytes();
  std::int64_t const least = memory.fixed_bytes + rows.least * row_bytes + memory.block_bytes;
  if (budget < least)
    throw BudgetError({"the memory of a rank cannot hold one block of the mosaic", plan.request.product,
                       fmt::format("at least {} MB a rank", least / MegaByte + 1),
                       fmt::format("{} MB", budget / MegaByte),
                       fmt::format("give --memory-per-rank {}M or more (fewer ranks a node leave more for each)",
                                   least / MegaByte + 1)});
  // Whole exposures where they fit in a third of what is free; the rest is for blocks.
  std::int64_t const free = budget - memory.fixed_bytes;
  memory.rows = std::clamp(free / 3 / row_bytes, rows.least, rows.tallest);
  memory.exposure_bytes = memory.rows * row_bytes;
  memory.blocks =
      std::clamp<std::int64_t>((free - memory.exposure_bytes) / memory.block_bytes, 1, plan.grid.blocks().count());
  return memory;
}

std::vector<BlockWave> cut_waves(MosaicPlan const& plan, std::span<std::int64_t const> blocks,
                                 ResampleMemory const& memory) {
  return exchange::cut_waves(plan, blocks, memory.blocks);
}

}  // namespace tessera::steps
