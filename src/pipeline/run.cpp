#include "tessera/pipeline/run.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <set>

#include "tessera/compute/session.hpp"
#include "tessera/core/build_facts.hpp"
#include "tessera/core/log.hpp"
#include "tessera/io/durable_file.hpp"
#include "tessera/pipeline/report.hpp"
#include "tessera/pipeline/run_ledger_steps.hpp"
#include "tessera/pipeline/timing.hpp"
#include "tessera/steps/resample/resample_step.hpp"

namespace tessera::pipeline {

namespace {

/// Folders of the products: made and tried before any work, so that a read-only or full disk is said at once.
void prepare_folders(parallel::Communicator const& communicator, RunPlan const& plan) {
  parallel::all_or_none(communicator, [&] {
    if (!communicator.is_root()) return;
    auto const& report = plan.request.report_folder;
    std::set<std::filesystem::path> folders{report, report / "report", report / "timing", report / "log"};
    for (auto const& mosaic : plan.mosaics) folders.insert(mosaic.request.folder);
    for (auto const& work : plan.request.mosaic_steps) folders.insert(work.task.root.parent_path());
    for (auto const& planned : plan.request.steps)
      for (auto const& work : planned.bands) {
        folders.insert(work.products);
        folders.insert(ledger_file(planned, work).parent_path());
      }
    for (auto const& folder : folders) {
      std::error_code error;
      std::filesystem::create_directories(folder, error);
      if (error || ::access(folder.c_str(), W_OK | X_OK) != 0)
        throw InputError({"cannot write here", folder.string(), "a folder that can be written",
                          error ? error.message() : std::strerror(errno),
                          "choose another output folder or change its permissions"});
    }
  });
}

/// Everything that keeps the run from starting, and what is left out when it does start: one line each.
void say_before(RunPlan const& plan, bool refused) {
  for (auto const& warning : plan.request.warnings) log::warn("{}", warning);
  for (auto const& note : plan.request.inventory.notes) log::warn("{}: {}", note.path, note.text);
  for (auto const& broken : plan.request.inventory.broken)
    log::error("{}: {}", refused ? "cannot run" : "quarantined", broken.text);
  if (!refused) return;
  for (auto const& line : plan.request.missing) log::error("cannot run: {}", line);
  if (plan.request.missing.empty() && plan.request.inventory.broken.empty())
    log::error("cannot run: no usable exposure");
}

store::Ledger find_ledger(MosaicSet const& set, std::string const& target, std::string const& band) {
  for (std::size_t k = 0; k < set.mosaics.size(); ++k)
    if (set.mosaics[k].request.target == target && set.mosaics[k].request.band == band) return set.ledgers[k];
  return {};
}

/// How the whole run went: the ledger steps, then the mosaics.
struct Ending {
  std::vector<parallel::Failure> failures;
  bool stopped = false;
  std::size_t made = 0;  ///< mosaics that did not fail, and ledger files
};

ExitStatus final_status(RunPlan const& plan, Ending const& ending) {
  auto const& failures = ending.failures;
  // Whatever failed is tried again, and said again, by the run that goes on.
  if (ending.stopped && (failures.empty() || !plan.request.stop_on_error)) return ExitStatus::Resumable;
  if (!failures.empty() && ending.made == 0 && !ending.stopped) {
    // Nothing was made: why is the answer, when it was the same for all.
    bool const alike = std::all_of(failures.begin(), failures.end(),
                                   [&](auto const& f) { return f.status == failures.front().status; });
    if (alike) return static_cast<ExitStatus>(failures.front().status);
  }
  if (!failures.empty())
    return plan.request.stop_on_error ? static_cast<ExitStatus>(failures.front().status) : ExitStatus::Incomplete;
  return plan.request.inventory.broken.empty() ? ExitStatus::Complete : ExitStatus::Incomplete;
}

/// Mosaics of bands whose ledger could not be made are not made either: they would look finished. Exposures that failed
/// are left out of the others. What fails after lv3's mosaics concerns only those that are drizzled again.
void leave_out_failed_work(RunPlan& plan, LedgerRun const& ledger, bool after_mosaics) {
  for (auto& mosaic : plan.request.mosaics)
    if (mosaic.is_aligned || !after_mosaics)
      leave_out_failed(mosaic.members, ledger.failures, plan.request.inventory.records);
  std::erase_if(plan.request.mosaics, [&](steps::MosaicRequest const& mosaic) {
    if (after_mosaics && !mosaic.is_aligned) return false;
    return mosaic.members.empty() || ledger.failed_bands.contains({mosaic.target, mosaic.band});
  });
}

/// A run on its way.
struct Running {
  steps::StepContext& context;
  RunPlan& plan;
  MosaicSet& current;  ///< what is being drizzled: where the context looks for ledgers
  LedgerRun ledger;
  Ending ending;
  std::vector<StepTiming> timing;
};

/// Plans the mosaics with the corrections there are now and makes lv3's, or those that were aligned.
void make_mosaics(Running& run, bool is_aligned) {
  auto const begin = std::chrono::steady_clock::now();
  auto& plan = run.plan;
  if (!plan.request.steps.empty()) {
    plan.request.missing.clear();
    plan_mosaics(run.context.world, plan);
    for (auto const& line : plan.request.missing)
      run.ending.failures.push_back({"mosaic", line, static_cast<int>(ExitStatus::Refused), 0});
  }
  run.current = mosaics_of(plan, is_aligned);
  if (run.current.mosaics.empty()) return;
  auto const outcome = steps::run_resample(run.context, run.current.mosaics);
  double const wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  run.timing.push_back(
      gather_timing(run.context.world, is_aligned ? "resample (aligned)" : "resample", wall_s, outcome.counts));
  auto& ending = run.ending;
  ending.failures.insert(ending.failures.end(), outcome.failures.begin(), outcome.failures.end());
  ending.stopped = ending.stopped || outcome.stopped || (!outcome.failures.empty() && run.context.stop_on_error);
  ending.made += run.current.mosaics.size() - std::min(run.current.mosaics.size(), outcome.failures.size());
}

/// The ledger steps on one side of the mosaics.
void correct_exposures(Running& run, bool after_mosaics) {
  auto const failures_before = run.ledger.failures.size();
  auto const committed_before = run.ledger.committed;
  run.ledger.timing.clear();
  run_ledger_steps(run.context, run.plan.request, after_mosaics, run.ledger);
  auto& ending = run.ending;
  run.timing.insert(run.timing.end(), run.ledger.timing.begin(), run.ledger.timing.end());
  ending.failures.insert(ending.failures.end(),
                         run.ledger.failures.begin() + static_cast<std::ptrdiff_t>(failures_before),
                         run.ledger.failures.end());
  ending.made += run.ledger.committed - committed_before;
  ending.stopped = ending.stopped || run.ledger.stopped;
  leave_out_failed_work(run.plan, run.ledger, after_mosaics);
}

/// Catalogues of lv3's mosaics, or of the aligned ones.
void list_sources(Running& run, bool of_aligned) {
  auto const outcome =
      run_mosaic_steps(run.context, run.plan.request.mosaic_steps, of_aligned, run.ledger.failed_bands);
  auto& ending = run.ending;
  run.timing.insert(run.timing.end(), outcome.timing.begin(), outcome.timing.end());
  ending.failures.insert(ending.failures.end(), outcome.failures.begin(), outcome.failures.end());
  ending.made += outcome.made;
  ending.stopped = ending.stopped || outcome.stopped;
}

void run_everything(Running& run) {
  auto& ending = run.ending;
  correct_exposures(run, false);
  if (!ending.stopped && !run.plan.request.mosaics.empty()) make_mosaics(run, false);
  if (!ending.stopped) list_sources(run, false);
  bool const aligns = std::any_of(run.plan.request.steps.begin(), run.plan.request.steps.end(),
                                  [](PlannedStep const& planned) { return planned.step->after_mosaics; });
  if (ending.stopped || !aligns) return;
  correct_exposures(run, true);
  if (!ending.stopped) make_mosaics(run, true);
  if (!ending.stopped) list_sources(run, true);
}

/// Times, report and what to say at the end; true when the report could not be written. One rank.
bool finish_run(parallel::Communicator const& communicator, RunPlan const& plan, Ending const& ending,
                std::vector<StepTiming> const& timing, ExitStatus status) {
  for (auto const& failure : ending.failures) log::error("{} failed: {}", failure.item, failure.message);
  if (ending.stopped && status == ExitStatus::Resumable)
    log::warn("stopped early on request: run the same command again to go on");
  log::info("\n{}", timing_table(timing));
  auto const folder = plan.request.report_folder;
  bool const did_something = std::any_of(timing.begin(), timing.end(), [](auto const& row) { return row.items > 0; });
  try {
    // A run that found everything up to date has no times worth keeping.
    if (did_something)
      io::write_file(folder / "timing" / "timing.json",
                     timing_json(timing, communicator.size(), compute::thread_count()));
    write_report(folder / "report" / "index.html", plan, timing, ending.failures, status);
    log::info("report: {}", (folder / "report" / "index.html").string());
    return false;
  } catch (IoError const& error) {  // the disk that ended the run may have no place for its report either
    log::warn("no report: {}", error.what());
    return true;
  }
}

/// Says how it ended, on all ranks alike. Collective.
ExitStatus end_run(parallel::Communicator const& communicator, RunPlan const& plan, Ending const& ending,
                   std::vector<StepTiming> const& timing) {
  auto const status = final_status(plan, ending);
  bool unsaid = communicator.is_root() && finish_run(communicator, plan, ending, timing, status);
  unsaid = communicator.max(std::int64_t{unsaid}) > 0;
  return unsaid && status == ExitStatus::Complete ? ExitStatus::InputOutput : status;
}

}  // namespace

ExitStatus run_plan(parallel::Communicator const& communicator, RunPlan plan) {
  bool const broken_stops = plan.request.stop_on_error && !plan.request.inventory.broken.empty();
  bool const refused = !plan.request.missing.empty() || broken_stops ||
                       (plan.mosaics.empty() && plan.request.steps.empty() && plan.request.mosaic_steps.empty());
  if (communicator.is_root()) say_before(plan, refused);
  if (refused) {
    auto& earlier = plan.request.earlier;
    if (earlier.made == 0 && earlier.failures.empty()) return ExitStatus::Refused;
    for (auto const& line : plan.request.missing)  // what was done before is told all the same
      earlier.failures.push_back({"mosaics", line, static_cast<int>(ExitStatus::Refused), 0});
    return finish_without_mosaics(communicator, plan);
  }
  prepare_folders(communicator, plan);
  if (communicator.is_root()) log::add_file(plan.request.report_folder / "log" / "tessera.log");
  if (communicator.is_root()) log::info("\n{}", describe(plan));

  parallel::ControlChannel control(communicator);
  parallel::MemoryBudget budget(plan.memory_per_rank);
  MosaicSet current;
  steps::StepContext context{
      communicator,
      control,
      budget,
      plan.request.inventory.records,
      plan.program_bytes,
      [&](std::string const& target, std::string const& band) { return find_ledger(current, target, band); },
      plan.request.stop_on_error};
  auto const& earlier = plan.request.earlier;
  Running run{context, plan, current, {}, {earlier.failures, earlier.stopped, earlier.made}, earlier.timing};
  run_everything(run);
  return end_run(communicator, plan, run.ending, run.timing);
}

ExitStatus finish_without_mosaics(parallel::Communicator const& communicator, RunPlan const& plan) {
  prepare_folders(communicator, plan);
  if (communicator.is_root()) log::add_file(plan.request.report_folder / "log" / "tessera.log");
  auto const& earlier = plan.request.earlier;
  return end_run(communicator, plan, {earlier.failures, earlier.stopped, earlier.made}, earlier.timing);
}

}  // namespace tessera::pipeline
