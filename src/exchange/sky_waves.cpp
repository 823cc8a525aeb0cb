// Dividing the blocks of sky plans over ranks, and a rank's blocks into waves.
#include <algorithm>

#include "tessera/exchange/sky_plan.hpp"
#include "tessera/parallel/pool.hpp"

namespace tessera::exchange {

namespace {

/// Waves end at the journal. With ample memory they are still cut, so that a stop or a kill costs an eighth of the
/// work; but smaller waves read the same exposures again and again. Counted in visits of an exposure to a block, 5 ms
/// each.
constexpr std::size_t MostWaves = 8;
constexpr std::size_t LeastWaveVisits = 4096;

}  // namespace

std::vector<BlockWave> cut_waves(SkyPlan const& plan, std::span<std::int64_t const> blocks, std::int64_t most_blocks) {
  auto const members = [&](std::int64_t block) { return plan.block_members[static_cast<std::size_t>(block)].size(); };
  std::size_t visits = 0, reached = 0;
  for (auto const block : blocks) {
    visits += members(block);
    reached += members(block) > 0;
  }
  std::size_t const wanted = std::clamp<std::size_t>(visits / LeastWaveVisits, 1, MostWaves);
  std::size_t const most =
      std::clamp<std::size_t>((reached + wanted - 1) / wanted, 1, static_cast<std::size_t>(most_blocks));
  std::vector<BlockWave> waves;
  for (std::size_t k = 0; k < blocks.size(); ++k) {
    bool const takes_memory = members(blocks[k]) > 0;
    if (waves.empty() || (takes_memory && waves.back().reached.size() == most)) waves.push_back({k, k, {}});
    waves.back().end = k + 1;
    if (takes_memory) waves.back().reached.push_back(blocks[k]);
  }
  return waves;
}

std::vector<std::vector<BlockRun>> divide_blocks(std::vector<SkyPlan const*> const& plans, int ranks) {
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

}  // namespace tessera::exchange
