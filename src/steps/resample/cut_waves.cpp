#include <algorithm>

#include "tessera/steps/resample/resample_memory.hpp"

namespace tessera::steps {

namespace {

/// Waves end at the journal. With ample memory they are still cut, so that a stop or a kill costs an eighth of the
/// work; but smaller waves read the same exposures again and again. Counted in visits of an exposure to a block, 5 ms
/// each.
constexpr std::size_t MostWaves = 8;
constexpr std::size_t LeastWaveVisits = 4096;

}  // namespace

std::vector<BlockWave> cut_waves(MosaicPlan const& plan, std::span<std::int64_t const> blocks,
                                 ResampleMemory const& memory) {
  auto const members = [&](std::int64_t block) { return plan.block_members[static_cast<std::size_t>(block)].size(); };
  std::size_t visits = 0, reached = 0;
  for (auto const block : blocks) {
    visits += members(block);
    reached += members(block) > 0;
  }
  std::size_t const wanted = std::clamp<std::size_t>(visits / LeastWaveVisits, 1, MostWaves);
  std::size_t const most =
      std::clamp<std::size_t>((reached + wanted - 1) / wanted, 1, static_cast<std::size_t>(memory.blocks));
  std::vector<BlockWave> waves;
  for (std::size_t k = 0; k < blocks.size(); ++k) {
    bool const takes_memory = members(blocks[k]) > 0;
    if (waves.empty() || (takes_memory && waves.back().reached.size() == most)) waves.push_back({k, k, {}});
    waves.back().end = k + 1;
    if (takes_memory) waves.back().reached.push_back(blocks[k]);
  }
  return waves;
}

}  // namespace tessera::steps
