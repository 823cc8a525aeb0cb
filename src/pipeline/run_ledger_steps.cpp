#include "tessera/pipeline/run_ledger_steps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "tessera/core/log.hpp"
#include "tessera/io/checksum.hpp"

namespace tessera::pipeline {

namespace {

namespace fs = std::filesystem;
using steps::BandTask;

fs::path adjustments_path(BandWork const& work) { return work.target_dir / (work.target + "_wcs_adjust.toml"); }

/// Hash or key of an input that a manifest names; "" where it names none.
std::string input_of(store::Manifest const& manifest, std::string const& name) {
  for (auto const& [input, state] : manifest.inputs)
    if (input == name) return state;
  return "";
}

/// The first list that was made from the mosaic as it is; the last where there is none.
fs::path star_table_of(BandWork const& work) {
  for (auto const& path : work.stars_of) {
    if (!fs::exists(path)) continue;
    auto const manifest = store::read_manifest(path);  // none: of pjpipe or the official pipeline
    if (!manifest || input_of(*manifest, "mosaic") == product_state(work.mosaic)) return path;
  }
  return work.stars_of.empty() ? fs::path() : work.stars_of.back();
}

/// A shift measured on a mosaic of other corrections than those before it would be wrong. "" when all is well.
std::string problem_of_mosaic(BandWork const& work, store::Ledger const& before) {
  auto const manifest = store::read_manifest(work.mosaic);
  if (!fs::exists(work.mosaic) || (manifest ? input_of(*manifest, "ledger") : "") == before.hash()) return "";
  return Problem{"the mosaic is not made from the corrections there are now", work.mosaic.string(),
                 "one that lv3 made in this run or an earlier one, with the steps before it as they are configured", "",
                 "see why lv3 did not make it again, or remove it"}
      .line();
}

bool is_up_to_date(fs::path const& file, store::Manifest const& manifest) {
  auto const before = store::read_manifest(file);
  return before && fs::exists(file) && before->key() == manifest.key();
}

/// Ledger files of steps that are not configured any more would be applied by whoever reads the folder: put aside.
void put_aside_old_files(RunRequest const& request) {
  std::set<fs::path> expected, folders;
  for (auto const& planned : request.steps)
    for (auto const& work : planned.bands) {
      expected.insert(ledger_file(planned, work));
      folders.insert(ledger_file(planned, work).parent_path());
    }
  for (auto const& folder : folders) {
    if (!fs::is_directory(folder)) continue;
    std::vector<fs::path> old;
    for (auto const& item : fs::directory_iterator(folder))
      if (item.path().extension() == ".h5" && !expected.contains(item.path())) old.push_back(item.path());
    for (auto const& path : old) {
      log::info("{}: of a step that is not configured any more: moved to {}", path.string(),
                (folder / "superseded").string());
      fs::create_directories(folder / "superseded");
      fs::rename(path, folder / "superseded" / path.filename());
      if (auto const manifest = store::manifest_path(path); fs::exists(manifest))
        fs::rename(manifest, folder / "superseded" / manifest.filename());
    }
  }
}

/// The task of one band. What rank 0 sees of the disk (the ledger so far, whether the file is up to date) goes to all.
/// Collective.
BandTask make_task(steps::StepContext const& context, RunRequest const& request, PlannedStep const& planned,
                   BandWork work, std::vector<parallel::Failure> const& failures, bool& up_to_date,
                   std::string& problem) {
  leave_out_failed(work.members, failures, request.inventory.records);
  BandTask task;
  task.target = work.target;
  task.band = work.band.name;
  task.band_facts = work.band;
  task.members = work.members;
  task.parameters = work.parameters;
  task.order = planned.order;
  task.step = planned.step->name;
  task.ledger_file = ledger_file(planned, work);
  task.products = work.products;
  task.scratch = task.ledger_file.parent_path() / ("scratch_" + task.step);
  task.adjustments = adjustments_path(work);
  task.alignment_dir = work.alignment_dir;
  if (planned.step->after_mosaics) task.mosaic = work.mosaic;
  std::string listing;
  parallel::all_or_none(context.world, [&] {
    if (!context.world.is_root()) return;
    listing = store::Ledger::of(ledger_files(request.steps, task.target, task.band, task.order)).listing();
    if (planned.step->after_mosaics) task.star_table = star_table_of(work);
  });
  task.before = store::Ledger::from_listing(context.world.broadcast(listing));
  task.star_table = context.world.broadcast(task.star_table.string());
  parallel::all_or_none(context.world, [&] {
    if (!context.world.is_root()) return;
    if (planned.step->after_mosaics) problem = problem_of_mosaic(work, task.before);
    task.manifest = ledger_manifest(request, planned, work, task.before);
    up_to_date = is_up_to_date(task.ledger_file, task.manifest) &&
                 (planned.step->name != "get_wcs_adjust" || fs::exists(task.adjustments));
  });
  problem = context.world.broadcast(problem);
  up_to_date = context.world.broadcast(std::string(up_to_date ? "y" : "n")) == "y";
  task.key = context.world.broadcast(task.manifest.key());  // the manifest itself is for the rank that writes it
  return task;
}

/// What the tasks are to replace goes first, and what was measured after it: whatever is there afterwards is of this
/// run, and who reads the folder in between sees no correction that another exposure of the past was given.
void remove_old_files(steps::StepContext const& context, RunRequest const& request,
                      std::vector<BandTask> const& tasks) {
  parallel::all_or_none(context.world, [&] {
    if (!context.world.is_root()) return;
    for (auto const& task : tasks) {
      if (task.step == "get_wcs_adjust") continue;  // what follows asks for the shifts themselves
      auto const before = ledger_files(request.steps, task.target, task.band, task.order);
      auto const all = ledger_files(request.steps, task.target, task.band, AllSteps);
      for (std::size_t k = before.size(); k < all.size(); ++k) {
        fs::remove(store::manifest_path(all[k].second));
        fs::remove(all[k].second);
      }
    }
  });
}

/// Whether the step left the file of this task. Collective.
bool is_committed(steps::StepContext const& context, BandTask const& task) {
  bool found = false;
  parallel::all_or_none(context.world, [&] {
    if (context.world.is_root()) found = fs::exists(task.ledger_file);
  });
  return context.world.broadcast(std::string(found ? "y" : "n")) == "y";
}

/// Tasks of the step that are not up to date; of all bands of a target where they need each other. Collective.
std::vector<BandTask> tasks_to_do(steps::StepContext const& context, RunRequest const& request,
                                  PlannedStep const& planned, LedgerRun& run) {
  std::vector<BandTask> all, tasks;
  std::vector<bool> done;
  std::set<std::string> incomplete;  // targets
  for (auto const& work : planned.bands) {
    if (run.failed_bands.contains({work.target, work.band.name})) continue;
    bool up_to_date = false;
    std::string problem;
    auto task = make_task(context, request, planned, work, run.failures, up_to_date, problem);
    if (!problem.empty()) {
      run.failures.push_back(
          {planned.step->name + " of " + task.label(), problem, static_cast<int>(ExitStatus::Refused), 0});
      run.failed_bands.insert({work.target, work.band.name});
      continue;
    }
    if (!up_to_date) incomplete.insert(work.target);
    done.push_back(up_to_date);
    all.push_back(std::move(task));
  }
  for (std::size_t k = 0; k < all.size(); ++k) {
    bool const again = !done[k] || (planned.step->whole_target && incomplete.contains(all[k].target));
    if (!again) {
      log::info("{} of {} is up to date", all[k].step, all[k].label());
      ++run.committed;
    } else if (!all[k].members.empty()) {
      tasks.push_back(std::move(all[k]));
    }
  }
  return tasks;
}

std::int64_t count_members(std::vector<BandTask> const& tasks) {
  std::size_t count = 0;
  for (auto const& task : tasks) count += task.members.size();
  return static_cast<std::int64_t>(count);
}

}  // namespace

std::string product_state(fs::path const& product) {
  if (!fs::exists(product)) return "none";
  if (auto const manifest = store::read_manifest(product)) return manifest->key();
  return fmt::format("{} bytes of {}", fs::file_size(product), fs::last_write_time(product).time_since_epoch().count());
}

void leave_out_failed(std::vector<int>& members, std::vector<parallel::Failure> const& failures,
                      std::vector<store::ExposureRecord> const& records) {
  if (failures.empty()) return;
  std::set<std::string> failed;
  for (auto const& failure : failures) failed.insert(failure.item);
  std::erase_if(members, [&](int member) {
    auto identity = records[static_cast<std::size_t>(member)].identity;
    bool lost = failed.contains(identity.label());
    if (identity.half != model::Half::Whole) return lost;
    for (auto const half : {model::Half::Imager, model::Half::Lyot}) {
      identity.half = half;
      lost = lost || failed.contains(identity.label());
    }
    return lost;
  });
}

store::Manifest ledger_manifest(RunRequest const& request, PlannedStep const& planned, BandWork const& work,
                                store::Ledger const& before) {
  store::Manifest manifest;
  manifest.step = planned.step->name;
  manifest.algorithm = planned.step->algorithm;
  manifest.parameters = work.parameters.json_of(planned.step->parameters);
  if (!before.hash().empty()) manifest.inputs.emplace_back("ledger", before.hash());
  if (planned.step->name == "apply_wcs_adjust" && fs::exists(adjustments_path(work)))
    manifest.inputs.emplace_back("wcs_adjust", io::sha256_of_file(adjustments_path(work)));
  for (auto const& path : work.catalogues)
    if (fs::exists(path)) manifest.inputs.emplace_back(path.string(), io::sha256_of_file(path));
  if (planned.step->after_mosaics) {
    for (auto const& path : {work.mosaic, star_table_of(work)})
      manifest.inputs.emplace_back(path.filename().string(), product_state(path));
  }
  for (int const member : work.members) {
    auto const& record = request.inventory.records[static_cast<std::size_t>(member)];
    manifest.inputs.emplace_back(record.identity.label(), record.header_hash);
  }
  return manifest;
}

void run_ledger_steps(steps::StepContext& context, RunRequest const& request, bool after_mosaics, LedgerRun& run) {
  if (!after_mosaics)
    parallel::all_or_none(context.world, [&] {
      if (context.world.is_root()) put_aside_old_files(request);
    });
  for (auto const& planned : request.steps) {
    if (planned.step->after_mosaics != after_mosaics) continue;
    auto const begin = std::chrono::steady_clock::now();
    auto const tasks = tasks_to_do(context, request, planned, run);
    if (tasks.empty()) continue;
    remove_old_files(context, request, tasks);
    log::info("{}: {} exposures in {} band{}", planned.step->name, count_members(tasks), tasks.size(),
              tasks.size() == 1 ? "" : "s");
    auto const outcome = planned.step->run(context, tasks);
    double const wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    run.timing.push_back(gather_timing(context.world, planned.step->name, wall_s, outcome.counts));
    run.failures.insert(run.failures.end(), outcome.failures.begin(), outcome.failures.end());
    bool const stops = !outcome.failures.empty() && context.stop_on_error;
    run.stopped = context.world.max(std::int64_t{outcome.stopped || stops}) > 0;
    if (run.stopped) break;
    for (auto const& task : tasks) {
      if (is_committed(context, task)) {
        ++run.committed;
        continue;
      }
      run.failed_bands.insert({task.target, task.band});
      if (context.world.is_root())
        log::warn("{}: nothing more is done with it, since {} failed", task.label(), task.step);
    }
  }
}

}  // namespace tessera::pipeline
