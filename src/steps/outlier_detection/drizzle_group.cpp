#include "drizzle_group.hpp"

#include <algorithm>
#include <limits>

#include "detector_rows.hpp"
#include "tessera/compute/session.hpp"
#include "tessera/compute/views.hpp"

namespace tessera::steps {

exchange::ExposureDrizzler make_drizzler(StepContext& context, OutlierPlan const& plan, OutlierMemory const& memory) {
  return exchange::ExposureDrizzler({context.records, plan.task->before, context.control, plan.sky, plan.task->members,
                                     plan.options.drizzle, plan.options.weight_type, plan.options.bad_bits, memory.rows,
                                     OutlierPlanes, memory.kept_open});
}

std::vector<kernels::BlockAccumulator> make_accumulators(OutlierPlan const& plan,
                                                         std::span<std::int64_t const> blocks) {
  std::vector<kernels::BlockAccumulator> accumulators;
  accumulators.reserve(blocks.size());
  for (auto const block : blocks)
    accumulators.emplace_back(plan.block_box(block), plan.sky.grid.nx, plan.sky.grid.ny, plan.options.drizzle);
  return accumulators;
}

void finish_blocks(std::vector<kernels::BlockAccumulator> accumulators,
                   std::function<void(std::size_t k, kernels::DrizzledBlock block)> const& take) {
  auto const few = 2 * static_cast<std::size_t>(compute::thread_count());
  std::vector<kernels::DrizzledBlock> blocks(few);
  using Policy = Kokkos::RangePolicy<compute::HostExecution, Kokkos::Schedule<Kokkos::Dynamic>>;
  for (std::size_t begin = 0; begin < accumulators.size(); begin += few) {
    std::size_t const count = std::min(few, accumulators.size() - begin);
    Kokkos::parallel_for("tessera::finish_blocks", Policy(0, count).set_chunk_size(1), [&](std::size_t k) {
      auto const finished = std::move(accumulators[begin + k]);
      blocks[k] = finished.finish(std::numeric_limits<float>::quiet_NaN());
    });
    for (std::size_t k = 0; k < count; ++k) take(begin + k, std::move(blocks[k]));
  }
}

std::vector<std::int64_t> blocks_under(OutlierPlan const& plan, std::span<int const> positions) {
  std::vector<std::int64_t> blocks;
  for (std::size_t block = 0; block < plan.sky.block_members.size(); ++block) {
    auto const& reaching = plan.sky.block_members[block];
    bool const is_reached = std::any_of(positions.begin(), positions.end(), [&](int position) {
      return std::binary_search(reaching.begin(), reaching.end(), position);
    });
    if (is_reached) blocks.push_back(static_cast<std::int64_t>(block));
  }
  return blocks;
}

}  // namespace tessera::steps
