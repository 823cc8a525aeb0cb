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

store::Ledger find_ledger(RunPlan const& plan, std::string const& target, std::string const& band) {
  for (std::size_t k = 0; k < plan.mosaics.size(); ++k)
    if (plan.mosaics[k].request.target == target && plan.mosaics[k].request.band == band) return plan.ledgers[k];
  return {};
}

ExitStatus final_status(RunPlan const& plan, steps::StepOutcome const& outcome) {
  if (!outcome.failures.empty() && outcome.failures.size() == plan.mosaics.size() && !outcome.stopped) {
    // Nothing was made: why is the answer, when it was the same for all.
    auto const& failures = outcome.failures;
    bool const alike = std::all_of(failures.begin(), failures.end(),
                                   [&](auto const& f) { return f.status == failures.front().status; });
    if (alike) return static_cast<ExitStatus>(failures.front().status);
  }
  if (!outcome.failures.empty())
    return plan.request.stop_on_error ? static_cast<ExitStatus>(outcome.failures.front().status)
                                      : ExitStatus::Incomplete;
  if (outcome.stopped) return ExitStatus::Resumable;
  return plan.request.inventory.broken.empty() ? ExitStatus::Complete : ExitStatus::Incomplete;
}

}  // namespace

ExitStatus run_plan(parallel::Communicator const& communicator, RunPlan const& plan) {
  auto const begin = std::chrono::steady_clock::now();
  bool const broken_stops = plan.request.stop_on_error && !plan.request.inventory.broken.empty();
  bool const refused = !plan.request.missing.empty() || broken_stops || plan.mosaics.empty();
  if (communicator.is_root()) say_before(plan, refused);
  if (refused) return ExitStatus::Refused;
  prepare_folders(communicator, plan);
  if (communicator.is_root()) log::add_file(plan.request.report_folder / "log" / "tessera.log");
  if (communicator.is_root()) log::info("\n{}", describe(plan));

  parallel::ControlChannel control(communicator);
  parallel::MemoryBudget budget(plan.memory_per_rank);
  steps::StepContext context{
      communicator,
      control,
      budget,
      plan.request.inventory.records,
      plan.program_bytes,
      [&](std::string const& target, std::string const& band) { return find_ledger(plan, target, band); },
      plan.request.stop_on_error};
  auto const outcome = steps::run_resample(context, plan.mosaics);
  double const wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();

  std::vector<StepTiming> const timing{gather_timing(communicator, "resample", wall_s, outcome.counts)};
  auto const status = final_status(plan, outcome);
  bool unsaid = false;
  if (communicator.is_root()) {
    for (auto const& failure : outcome.failures) log::error("{} failed: {}", failure.item, failure.message);
    if (outcome.stopped && status == ExitStatus::Resumable)
      log::warn("stopped early on request: run the same command again to go on");
    log::info("\n{}", timing_table(timing));
    auto const folder = plan.request.report_folder;
    try {
      // A run that found everything up to date has no times worth keeping.
      if (timing.front().items > 0)
        io::write_file(folder / "timing" / "timing.json",
                       timing_json(timing, communicator.size(), compute::thread_count()));
      write_report(folder / "report" / "index.html", plan, timing, outcome.failures, status);
      log::info("report: {}", (folder / "report" / "index.html").string());
    } catch (IoError const& error) {  // the disk that ended the run may have no place for its report either
      log::warn("no report: {}", error.what());
      unsaid = true;
    }
  }
  unsaid = communicator.max(std::int64_t{unsaid}) > 0;
  return unsaid && status == ExitStatus::Complete ? ExitStatus::InputOutput : status;
}

}  // namespace tessera::pipeline
