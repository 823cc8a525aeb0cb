#include "tessera/parallel/pool.hpp"
#include "tessera/steps/resample/resample_step.hpp"

namespace tessera::steps {

std::vector<std::vector<BlockRun>> divide_blocks(std::vector<MosaicPlan const*> const& plans, int ranks) {
  // One long curve: the blocks of mosaic 0, then of mosaic 1, ... cut into one run a rank.
  std::vector<double> costs;
  std::vector<std::size_t> first;
  for (auto const* plan : plans) {
    first.push_back(costs.size());
    for (auto const block : plan->order) costs.push_back(plan->block_cost[static_cast<std::size_t>(block)]);
  }
  first.push_back(costs.size());
  auto const runs = parallel::divide_in_runs(costs, ranks);

  std::vector<std::vector<BlockRun>> by_rank(static_cast<std::size_t>(ranks));
  for (std::size_t rank = 0; rank < by_rank.size(); ++rank)
    for (std::size_t mosaic = 0; mosaic < plans.size(); ++mosaic) {
      std::size_t const begin = std::max(runs[rank].begin, first[mosaic]);
      std::size_t const end = std::min(runs[rank].end, first[mosaic + 1]);
      if (begin < end) by_rank[rank].push_back({static_cast<int>(mosaic), begin - first[mosaic], end - first[mosaic]});
    }
  return by_rank;
}

}  // namespace tessera::steps
