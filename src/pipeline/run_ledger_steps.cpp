#include "tessera/pipeline/run_ledger_steps.hpp"

#include <algorithm>
#include <chrono>

#include "tessera/core/log.hpp"
#include "tessera/io/checksum.hpp"

namespace tessera::pipeline {

namespace {

namespace fs = std::filesystem;
using steps::BandTask;

fs::path adjustments_path(BandWork const& work) { return work.target_dir / (work.target + "_wcs_adjust.toml"); }

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
                   BandWork work, std::vector<parallel::Failure> const& failures, bool& up_to_date) {
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
  std::string listing;
  parallel::all_or_none(context.world, [&] {
    if (context.world.is_root())
      listing = store::Ledger::of(ledger_files(request.steps, task.target, task.band, task.order)).listing();
  });
  task.before = store::Ledger::from_listing(context.world.broadcast(listing));
  parallel::all_or_none(context.world, [&] {
    if (!context.world.is_root()) return;
    task.manifest = ledger_manifest(request, planned, work, task.before);
    up_to_date = is_up_to_date(task.ledger_file, task.manifest);
  });
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

std::int64_t count_members(std::vector<BandTask> const& tasks) {
  std::size_t count = 0;
  for (auto const& task : tasks) count += task.members.size();
  return static_cast<std::int64_t>(count);
}

}  // namespace

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
  for (int const member : work.members) {
    auto const& record = request.inventory.records[static_cast<std::size_t>(member)];
    manifest.inputs.emplace_back(record.identity.label(), record.header_hash);
  }
  return manifest;
}

LedgerRun run_ledger_steps(steps::StepContext& context, RunRequest const& request) {
  LedgerRun run;
  parallel::all_or_none(context.world, [&] {
    if (context.world.is_root()) put_aside_old_files(request);
  });
  for (auto const& planned : request.steps) {
    auto const begin = std::chrono::steady_clock::now();
    std::vector<BandTask> tasks;
    for (auto const& work : planned.bands) {
      if (run.failed_bands.contains({work.target, work.band.name})) continue;
      bool up_to_date = false;
      auto task = make_task(context, request, planned, work, run.failures, up_to_date);
      if (up_to_date) {
        log::info("{} of {} is up to date", task.step, task.label());
        ++run.committed;
      } else if (!task.members.empty()) {
        tasks.push_back(std::move(task));
      }
    }
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
  return run;
}

}  // namespace tessera::pipeline
