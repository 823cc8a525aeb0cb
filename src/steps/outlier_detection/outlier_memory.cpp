#include "outlier_memory.hpp"

#include <algorithm>

#include "tessera/compute/session.hpp"
#include "tessera/core/error.hpp"
#include "tessera/exchange/exposure_drizzler.hpp"

namespace tessera::steps {

namespace {

constexpr std::int64_t MegaByte = std::int64_t{1} << 20;
/// Measured: larger buffers save no time worth having.
constexpr std::int64_t AmpleWave = 40 * MegaByte, AmpleWeights = 64 * MegaByte;
constexpr std::int64_t AmpleRows = 256, LeastRows = 16;
constexpr std::size_t KeptOpen = 16;
constexpr std::int64_t OpenBytes = MegaByte / 2;  ///< reader, headers, map
/// SCI, also in double, DQ, WHT, VAR_RNOISE and the weight: the drizzler reads no more here.
constexpr std::int64_t DrizzledPixelBytes = 8 + 5 * 4;

/// Bytes a pixel of rows that are compared: SCI also in double, ERR, DQ, WHT, blot, two masks.
constexpr std::int64_t ComparedPixelBytes = 8 + 4 * 5 + 2;

}  // namespace

std::int64_t OutlierMemory::total() const {
  auto const open = static_cast<std::int64_t>(kept_open) * OpenBytes;
  return std::max(exposure_bytes + wave_bytes + weight_bytes + open, compared_bytes);
}

std::int64_t accumulator_bytes(OutlierPlan const& plan) {
  return kernels::BlockAccumulator::bytes(plan.options.drizzle);
}

OutlierMemory divide_outlier_memory(StepContext const& context, OutlierPlan const& plan) {
  auto const& members = plan.task->members;
  auto const rows = exchange::exposure_rows(plan.sky.grid, members, context.records);
  int const threads = compute::thread_count();
  // Beside the program: scratch of the drizzle and the blocks being finished.
  std::int64_t const fixed =
      context.program_bytes + 32 * MegaByte +
      (kernels::BlockAccumulator::scratch_bytes(plan.options.drizzle) + 4 * StackPlaneBytes) * threads;
  // One row of one block with every exposure on it must fit.
  auto const depth = static_cast<std::int64_t>(members.size());
  std::int64_t const least_wave = accumulator_bytes(plan) + depth * model::BlockSize * 4;
  std::int64_t const exposure_bytes = rows.least * rows.widest * DrizzledPixelBytes;
  std::int64_t const least = fixed + exposure_bytes + least_wave + 2 * MegaByte + OpenBytes;
  std::int64_t const budget = context.budget.limit();
  if (budget < least)
    throw BudgetError({"the memory of a rank cannot hold one block of the medians", plan.task->label(),
                       fmt::format("at least {} MB a rank", least / MegaByte + 1),
                       fmt::format("{} MB", budget / MegaByte),
                       fmt::format("give --memory-per-rank {}M or more (fewer ranks a node leave more for each)",
                                   least / MegaByte + 1)});
  std::int64_t const free = budget - fixed;
  OutlierMemory memory;
  memory.kept_open =
      static_cast<std::size_t>(std::clamp<std::int64_t>(free / 16 / OpenBytes, 1, static_cast<std::int64_t>(KeptOpen)));
  std::int64_t const work = free - static_cast<std::int64_t>(memory.kept_open) * OpenBytes;
  memory.rows = rows.least;
  memory.exposure_bytes = exposure_bytes;
  memory.weight_bytes = std::clamp((work - exposure_bytes - least_wave) / 4, std::int64_t{0}, AmpleWeights);
  memory.wave_bytes = std::max(least_wave, std::min(work - exposure_bytes - memory.weight_bytes, AmpleWave));
  // Weights are held beside these: both together are what the medians take, or little more.
  memory.weighed_blocks = std::max<std::int64_t>(1, memory.wave_bytes * 2 / 3 / accumulator_bytes(plan));
  // The medians under a band of rows: at the worst angle half the square of its length.
  std::int64_t const tile = std::min<std::int64_t>(rows.widest, BlotTile) + AmpleRows;
  std::int64_t const median_bytes = tile * tile / 2 * 4 + StackPlaneBytes + rows.widest * rows.tallest / 8;
  memory.compared_rows =
      std::clamp((free - median_bytes) / (rows.widest * ComparedPixelBytes) - 2 * kernels::OutlierHalo, LeastRows,
                 std::min(AmpleRows, std::max(rows.tallest, LeastRows)));
  memory.compared_bytes =
      (memory.compared_rows + 2 * kernels::OutlierHalo) * rows.widest * ComparedPixelBytes + median_bytes;
  return memory;
}

}  // namespace tessera::steps
