#include "tessera/pipeline/run_plan.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "tessera/compute/session.hpp"
#include "tessera/core/byte_size.hpp"
#include "tessera/parallel/control.hpp"
#include "tessera/parallel/memory_budget.hpp"
#include "tessera/parallel/pool.hpp"
#include "tessera/sky/count_islands.hpp"
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

/// Mosaics that share one grid are planned together: all bands of a target (its off field apart), or each alone.
std::vector<std::vector<std::size_t>> grid_groups(RunRequest const& request) {
  std::map<std::string, std::vector<std::size_t>> shared;
  std::vector<std::vector<std::size_t>> groups;
  for (std::size_t k = 0; k < request.mosaics.size(); ++k) {
    auto const& mosaic = request.mosaics[k];
    if (request.shared_grid)
      shared[mosaic.target + (mosaic.is_aligned ? " aligned" : "") +
             (mosaic.band.ends_with("_bgr") ? " off field" : "")]
          .push_back(k);
    else
      groups.push_back({k});
  }
  for (auto& [name, members] : shared) groups.push_back(std::move(members));
  return groups;
}

/// Grids beyond this many pixels are a mistake (a wrong WCS), not a survey: the blocks alone would fill the memory.
constexpr std::int64_t MostPixels = std::int64_t{1} << 38;

/// What is said of a grid that the disk cannot hold; empty when it can, or when the file system does not say.
std::string disk_problem(MosaicRequest const& mosaic, model::SkyGrid const& grid) {
  auto const folder = existing_parent(mosaic.folder);
  std::error_code error;
  auto const space = std::filesystem::space(folder, error);
  std::int64_t const images = mosaic.options.enable_err ? 12 : 5;  // FITS and HDF5 beside each other
  double const needed = static_cast<double>(grid.nx) * static_cast<double>(grid.ny) * 4 * static_cast<double>(images);
  bool const fits = error || needed <= static_cast<double>(space.available);
  if (fits && grid.nx <= MostPixels / std::max<std::int64_t>(1, grid.ny)) return "";
  return Problem{"the output grid is too large", mosaic.product,
                 error ? std::string("a grid that memory can index")
                       : fmt::format("at most {} free in {}", format_bytes(static_cast<std::int64_t>(space.available)),
                                     folder.string()),
                 fmt::format("{} x {} pixels: {}", grid.nx, grid.ny,
                             format_bytes(static_cast<std::int64_t>(std::min(needed, 9e18)))),
                 "raise pixel_scale or pixel_scale_ratio, set output_shape, or leave out the exposures that lie far "
                 "from the others"}
      .line();
}

/// What is wrong with the exposures of a mosaic as a set: one given twice, units that differ, an input that is the
/// output.
std::vector<std::string> member_problems(MosaicRequest const& mosaic,
                                         std::vector<store::ExposureRecord> const& records) {
  std::vector<std::string> problems;
  std::map<std::string, std::string> path_of;
  auto const& first = records[static_cast<std::size_t>(mosaic.members.front())];
  auto const product = mosaic.folder / (mosaic.file_name.empty() ? mosaic.product + "_i2d.fits" : mosaic.file_name);
  for (int const member : mosaic.members) {
    auto const& record = records[static_cast<std::size_t>(member)];
    auto const [other, is_new] = path_of.emplace(record.identity.label(), record.path);
    if (!is_new)
      problems.push_back(
          Problem{"the same exposure is given twice", record.path, "", other->second, "leave one of the two out"}
              .line());
    if (record.unit != first.unit)
      problems.push_back(
          Problem{"units differ within a mosaic", record.path, fmt::format("BUNIT '{}' as {}", first.unit, first.path),
                  fmt::format("'{}'", record.unit), "calibrate all exposures alike, or leave this one out"}
              .line());
    for (auto const& input : {record.path, record.weight_path, record.mask_path}) {
      std::error_code error;
      if (!input.empty() && std::filesystem::equivalent(input, product, error))
        problems.push_back(
            Problem{"the mosaic would overwrite one of its inputs", product.string(), "", "", "choose another output"}
                .line());
    }
  }
  return problems;
}

/// A grid shared by several bands has another ratio to the pixels of each.
model::SkyGrid grid_of_member(model::SkyGrid grid, MosaicRequest const& mosaic,
                              std::vector<store::ExposureRecord> const& records) {
  auto const& first = records[static_cast<std::size_t>(mosaic.members.front())];
  double const native = mosaic.options.grid.pixel_scale ? std::sqrt(first.mean_pixel_area_sr) * 180 / std::numbers::pi
                                                        : first.native_scale_deg;
  grid.pixel_scale_ratio = grid.cdelt[0] / native;
  return grid;
}

void plan_group(parallel::Communicator const& communicator, RunPlan& plan, std::vector<std::size_t> const& group) {
  auto const& records = plan.request.inventory.records;
  std::vector<MosaicRequest const*> requests;
  std::vector<std::vector<model::SkyPolygon>> footprints;
  std::vector<store::Ledger> ledgers;
  for (auto const k : group) {
    auto const& mosaic = plan.request.mosaics[k];
    for (auto& problem : member_problems(mosaic, records)) plan.request.missing.push_back(std::move(problem));
    requests.push_back(&mosaic);
    ledgers.push_back(open_ledger(communicator, plan.request, mosaic.target, mosaic.band, mosaic.before_step));
    footprints.push_back(steps::corrected_footprints(communicator, mosaic, records, ledgers.back()));
    if (int const islands = sky::count_islands(footprints.back()); islands > 1) {
      auto warning = fmt::format("{}: its {} exposures form {} islands that do not overlap", mosaic.product,
                                 footprints.back().size(), islands);
      auto& said = plan.request.warnings;  // perhaps already, before the ledger steps
      if (std::find(said.begin(), said.end(), warning) == said.end()) said.push_back(std::move(warning));
    }
  }
  auto const grid = steps::plan_grid(requests, footprints, records);
  for (std::size_t k = 0; k < group.size(); ++k) {
    auto const& mosaic = plan.request.mosaics[group[k]];
    // One rank looks at the disk: what is free differs from moment to moment, and all must plan alike.
    if (auto problem = communicator.broadcast(communicator.is_root() ? disk_problem(mosaic, grid) : std::string());
        !problem.empty()) {
      plan.request.missing.push_back(std::move(problem));
      continue;
    }
    auto const own = group.size() > 1 ? grid_of_member(grid, mosaic, records) : grid;
    plan.mosaics.push_back(steps::plan_mosaic(mosaic, own, footprints[k], records, ledgers[k].hash()));
    plan.ledgers.push_back(ledgers[k]);
  }
}

/// A file system may say different things to different ranks; what rank 0 found holds for all. Collective.
}  // namespace

void agree_on_missing(parallel::Communicator const& communicator, std::vector<std::string>& missing) {
  std::string joined;
  for (auto const& line : missing) joined += line + "\n";
  joined = communicator.broadcast(joined);
  missing.clear();
  for (std::size_t at = 0; at < joined.size();) {
    auto const end = joined.find('\n', at);
    missing.push_back(joined.substr(at, end - at));
    at = end + 1;
  }
}

store::Ledger open_ledger(parallel::Communicator const& communicator, RunRequest const& request,
                          std::string const& target, std::string const& band, int before_order) {
  if (request.steps.empty()) return {};
  std::string listing;
  parallel::all_or_none(communicator, [&] {
    if (communicator.is_root())
      listing = store::Ledger::of(ledger_files(request.steps, target, band, before_order)).listing();
  });
  return store::Ledger::from_listing(communicator.broadcast(listing));
}

void plan_mosaics(parallel::Communicator const& communicator, RunPlan& plan) {
  plan.mosaics.clear();
  plan.ledgers.clear();
  for (auto const& group : grid_groups(plan.request)) {
    try {
      plan_group(communicator, plan, group);
    } catch (Error const& error) {
      plan.request.missing.push_back(fmt::format("{}: {}", plan.request.mosaics[group.front()].product, error.what()));
    }
  }
  agree_on_missing(communicator, plan.request.missing);
}

MosaicSet mosaics_of(RunPlan const& plan, bool is_aligned) {
  MosaicSet set;
  for (std::size_t k = 0; k < plan.mosaics.size(); ++k)
    if (plan.mosaics[k].request.is_aligned == is_aligned) {
      set.mosaics.push_back(plan.mosaics[k]);
      set.ledgers.push_back(plan.ledgers[k]);
    }
  return set;
}

RunPlan make_run_plan(parallel::Communicator const& communicator, RunRequest request, std::int64_t memory_per_rank,
                      int ranks) {
  RunPlan plan;
  plan.request = std::move(request);
  plan.memory_per_rank = memory_per_rank;
  plan.ranks = ranks > 0 ? ranks : communicator.size();
  plan_mosaics(communicator, plan);
  plan.program_bytes =
      communicator.max(parallel::resident_bytes());  // with the plan itself, which grows with the survey
  for (auto const& mosaic : plan.mosaics) {
    plan.bytes_to_write += mosaic.bytes_fits() + mosaic.bytes_hdf5();
    for (int const member : mosaic.request.members)
      plan.bytes_to_read += plan.request.inventory.records[static_cast<std::size_t>(member)].file_bytes;
    try {
      steps::divide_memory(mosaic, plan.request.inventory.records, memory_per_rank, plan.program_bytes,
                           compute::thread_count());
    } catch (BudgetError const& error) {
      plan.request.missing.emplace_back(error.what());
    }
  }
  agree_on_missing(communicator, plan.request.missing);
  return plan;
}

}  // namespace tessera::pipeline
