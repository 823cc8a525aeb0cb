#include "share_mosaics.hpp"

#include <algorithm>
#include <system_error>

#include "tessera/model/blocks.hpp"

namespace tessera::steps {

MosaicShare share_mosaics(parallel::Communicator const& world, std::span<double const> costs) {
  if (costs.empty()) return {world.split(-1), {}};
  int const groups = std::min(world.size(), static_cast<int>(costs.size()));
  auto const group_of = parallel::divide_balanced(costs, groups);
  std::vector<double> load(static_cast<std::size_t>(groups), 0);
  for (std::size_t k = 0; k < costs.size(); ++k) load[static_cast<std::size_t>(group_of[k])] += costs[k];
  // One rank each, and each of the rest to where a rank has most to do.
  std::vector<int> ranks(load.size(), 1);
  for (int rest = world.size() - groups; rest > 0; --rest) {
    std::size_t busiest = 0;
    for (std::size_t g = 1; g < load.size(); ++g)
      if (load[g] / ranks[g] > load[busiest] / ranks[busiest]) busiest = g;
    ++ranks[busiest];
  }
  int mine = 0;
  for (int before = ranks[0]; before <= world.rank(); before += ranks[static_cast<std::size_t>(mine)]) ++mine;
  MosaicShare share{world.split(mine), {}};
  for (std::size_t k = 0; k < costs.size(); ++k)
    if (group_of[k] == mine) share.mosaics.push_back(k);
  return share;
}

std::vector<double> file_costs(parallel::Communicator const& world, std::span<std::filesystem::path const> files) {
  std::vector<double> costs;
  if (world.is_root())
    for (auto const& file : files) {
      std::error_code problem;
      auto const size = std::filesystem::file_size(file, problem);
      costs.push_back(problem ? 1.0 : static_cast<double>(std::max<std::uintmax_t>(1, size)));
    }
  return world.all_gather_values<double>(costs);
}

parallel::ItemRange own_block_rows(parallel::Communicator const& group, std::int64_t ny) {
  std::vector<double> const costs(static_cast<std::size_t>((ny + model::BlockSize - 1) / model::BlockSize), 1.0);
  return parallel::divide_in_runs(costs, group.size())[static_cast<std::size_t>(group.rank())];
}

}  // namespace tessera::steps
