#include "tessera/core/byte_size.hpp"
#include "tessera/pipeline/run_plan.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include "tessera/compute/session.hpp"
#include "tessera/parallel/memory_budget.hpp"
#include "tessera/parallel/pool.hpp"
#include "tessera/sky/footprint.hpp"
#include "tessera/steps/resample/resample_memory.hpp"
#include "tessera/steps/resample/resample_step.hpp"

namespace tessera::pipeline {

namespace {

using steps::MosaicRequest;

/// Nearest folder above that exists, whose file system will hold `path`.
std::filesystem::path existing_parent(std::filesystem::path path) {
  while (!path.empty() && !std::filesystem::exists(path)) {
    auto const parent = path.parent_path();
    if (parent == path) break;
    path = parent;
  }
  return path.empty() ? std::filesystem::path(".") : path;
}

/// Mosaics that share one grid are planned together: all bands of a target, or each alone.
std::vector<std::vector<std::size_t>> grid_groups(RunRequest const& request) {
  std::map<std::string, std::vector<std::size_t>> by_target;
  std::vector<std::vector<std::size_t>> groups;
  for (std::size_t k = 0; k < request.mosaics.size(); ++k) {
    if (request.shared_grid)
      by_target[request.mosaics[k].target].push_back(k);
    else
      groups.push_back({k});
  }
  for (auto& [target, members] : by_target) groups.push_back(std::move(members));
  return groups;
}

/// Number of sets of exposures that do not overlap each other, directly or through others.
int count_islands(std::vector<model::SkyPolygon> const& footprints) {
  std::vector<int> root(footprints.size());
  std::iota(root.begin(), root.end(), 0);
  auto const find = [&](int k) {
    while (root[static_cast<std::size_t>(k)] != k) k = root[static_cast<std::size_t>(k)];
    return k;
  };
  for (std::size_t a = 0; a < footprints.size(); ++a)
    for (std::size_t b = a + 1; b < footprints.size(); ++b) {
      int const ra = find(static_cast<int>(a)), rb = find(static_cast<int>(b));
      if (ra != rb && sky::overlaps(footprints[a], footprints[b])) root[static_cast<std::size_t>(std::max(ra, rb))] = std::min(ra, rb);
    }
  int islands = 0;
  for (std::size_t k = 0; k < root.size(); ++k) islands += root[k] == static_cast<int>(k) ? 1 : 0;
  return islands;
}

/// Grids beyond this many pixels are a mistake (a wrong WCS), not a survey: the blocks alone would fill the memory.
constexpr std::int64_t MostPixels = std::int64_t{1} << 38;

/// What is said of a grid that the disk cannot hold; empty when it can.
std::string disk_problem(MosaicRequest const& mosaic, model::SkyGrid const& grid) {
  auto const folder = existing_parent(mosaic.folder);
  std::error_code error;
  auto const space = std::filesystem::space(folder, error);
  std::int64_t const images = mosaic.options.enable_err ? 12 : 5;  // FITS and HDF5 beside each other
  double const needed = static_cast<double>(grid.nx) * static_cast<double>(grid.ny) * 4 * static_cast<double>(images);
  if (!error && needed <= static_cast<double>(space.available) && grid.nx * grid.ny <= MostPixels) return "";
  return Problem{"the output grid is too large", mosaic.product,
                 fmt::format("at most {} free in {}", format_bytes(error ? 0 : static_cast<std::int64_t>(space.available)), folder.string()),
                 fmt::format("{} x {} pixels: {}", grid.nx, grid.ny, format_bytes(static_cast<std::int64_t>(std::min(needed, 9e18)))),
                 "raise pixel_scale or pixel_scale_ratio, set output_shape, or leave out the exposures that lie far from the others"}
      .line();
}

void plan_group(parallel::Communicator const& communicator, RunPlan& plan, std::vector<std::size_t> const& group) {
  auto const& records = plan.request.inventory.records;
  std::vector<MosaicRequest const*> requests;
  std::vector<std::vector<model::SkyPolygon>> footprints;
  std::vector<std::string> ledger_hashes;
  for (auto const k : group) {
    auto const& mosaic = plan.request.mosaics[k];
    auto const ledger = open_ledger(plan.request, mosaic.target, mosaic.band);
    requests.push_back(&mosaic);
    ledger_hashes.push_back(ledger.hash());
    footprints.push_back(steps::corrected_footprints(communicator, mosaic, records, ledger));
    if (int const islands = count_islands(footprints.back()); islands > 1)
      plan.request.warnings.push_back(fmt::format("{}: its {} exposures form {} islands that do not overlap", mosaic.product,
                                                  footprints.back().size(), islands));
  }
  auto const grid = steps::plan_grid(requests, footprints, records);
  for (std::size_t k = 0; k < group.size(); ++k) {
    auto const& mosaic = plan.request.mosaics[group[k]];
    // One rank looks at the disk: what is free differs from moment to moment, and all must plan alike.
    if (auto problem = communicator.broadcast(communicator.is_root() ? disk_problem(mosaic, grid) : std::string()); !problem.empty()) {
      plan.request.missing.push_back(std::move(problem));
      continue;
    }
    plan.mosaics.push_back(steps::plan_mosaic(mosaic, grid, footprints[k], records, ledger_hashes[k]));
  }
}

}  // namespace

store::Ledger open_ledger(RunRequest const& request, std::string const& target, std::string const& band) {
  if (request.ledger_root.empty()) return {};
  return store::Ledger::open(request.ledger_root / target / "ledger" / band);
}

RunPlan make_run_plan(parallel::Communicator const& communicator, RunRequest request, std::int64_t memory_per_rank, int ranks) {
  RunPlan plan;
  plan.request = std::move(request);
  plan.memory_per_rank = memory_per_rank;
  plan.ranks = ranks > 0 ? ranks : communicator.size();
  plan.program_bytes = communicator.max(parallel::resident_bytes());
  for (auto const& group : grid_groups(plan.request)) {
    try {
      plan_group(communicator, plan, group);
    } catch (Error const& error) {
      plan.request.missing.push_back(fmt::format("{}: {}", plan.request.mosaics[group.front()].product, error.what()));
    }
  }
  for (auto const& mosaic : plan.mosaics) {
    plan.bytes_to_write += mosaic.bytes_fits() + mosaic.bytes_hdf5();
    for (int const member : mosaic.request.members)
      plan.bytes_to_read += plan.request.inventory.records[static_cast<std::size_t>(member)].file_bytes;
    try {
      steps::divide_memory(mosaic, plan.request.inventory.records, memory_per_rank, plan.program_bytes, compute::thread_count());
    } catch (BudgetError const& error) {
      plan.request.missing.emplace_back(error.what());
    }
  }
  // A file system may say different things to different ranks; what rank 0 found holds for all.
  std::string joined;
  for (auto const& line : plan.request.missing) joined += line + "\n";
  joined = communicator.broadcast(joined);
  plan.request.missing.clear();
  for (std::size_t at = 0; at < joined.size();) {
    auto const end = joined.find('\n', at);
    plan.request.missing.push_back(joined.substr(at, end - at));
    at = end + 1;
  }
  return plan;
}

}  // namespace tessera::pipeline
