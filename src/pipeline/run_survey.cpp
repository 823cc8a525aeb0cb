#include "tessera/pipeline/run_survey.hpp"

#include <algorithm>

#include "tessera/core/byte_size.hpp"
#include "tessera/core/log.hpp"
#include "tessera/parallel/memory_budget.hpp"
#include "tessera/pipeline/run.hpp"

namespace tessera::pipeline {

namespace {

/// The exposures that level 2 will make, as far as they are known before.
SurveyInputs inputs_to_be(config::Survey const& survey, CalibrationPlan const& plan) {
  SurveyInputs inputs;
  inputs.inventory.broken = plan.broken;
  inputs.are_made_here = true;  // bands without any are said by level 2
  inputs.members.assign(survey.targets.size(), std::vector<std::vector<int>>(survey.bands.size()));
  for (std::size_t t = 0; t < survey.targets.size(); ++t)
    for (std::size_t b = 0; b < survey.bands.size(); ++b)
      for (auto const& item : plan.exposures) {
        auto const& band = plan.bands[static_cast<std::size_t>(item.band)];
        if (band.target != survey.targets[t] || band.band != survey.bands[b].name) continue;
        auto const& rate = plan.records[static_cast<std::size_t>(item.record)];
        store::ExposureRecord record;
        record.identity = rate.identity;
        record.path = item.product.string();
        record.kind = store::ExposureKind::JwstExposure;
        record.nx = rate.window.nx;
        record.ny = rate.window.ny;
        record.instrument = rate.instrument;
        record.detector = rate.detector;
        record.filter = rate.filter;
        record.pupil = rate.pupil;
        inputs.members[t][b].push_back(static_cast<int>(inputs.inventory.records.size()));
        inputs.inventory.records.push_back(std::move(record));
      }
  return inputs;
}

/// Bytes that a rank needs at least for the largest exposure; what cannot be is added to `missing`.
void check_memory(CalibrationPlan& plan, std::int64_t memory_per_rank, std::int64_t program_bytes) {
  std::int64_t most = 0;
  for (auto const& item : plan.offs)
    most =
        std::max(most, steps::calibration_bytes(plan.records[static_cast<std::size_t>(item.record)], item.operations));
  for (auto const& item : plan.exposures)
    most =
        std::max(most, steps::calibration_bytes(plan.records[static_cast<std::size_t>(item.record)], item.operations));
  if (most + program_bytes <= memory_per_rank) return;
  plan.missing.push_back(Problem{"an exposure does not fit into the memory of a rank while it is calibrated", "lv2",
                                 fmt::format("at least {} a rank", format_bytes(most + program_bytes)),
                                 format_bytes(memory_per_rank), "raise --memory-per-rank or use fewer ranks a node"}
                             .line());
}

/// Space for the calibrated exposures that are not there yet.
void check_disk(CalibrationPlan& plan) {
  constexpr double BytesAPixel = 32;  // seven planes and what lies around them
  double needed = 0;
  std::filesystem::path folder;
  for (auto const& item : plan.exposures) {
    if (std::filesystem::exists(item.product)) continue;
    auto const& window = plan.records[static_cast<std::size_t>(item.record)].window;
    needed += BytesAPixel * static_cast<double>(window.nx) * static_cast<double>(window.ny);
    folder = item.product;
  }
  while (!folder.empty() && !std::filesystem::exists(folder)) folder = folder.parent_path();
  std::error_code error;
  auto const space = std::filesystem::space(folder.empty() ? "." : folder, error);
  if (error || needed <= static_cast<double>(space.available)) return;
  plan.missing.push_back(Problem{"the disk is too small for the calibrated exposures", folder.string(),
                                 format_bytes(static_cast<std::int64_t>(needed)),
                                 format_bytes(static_cast<std::int64_t>(space.available)) + " free",
                                 "free some, or calibrate in parts"}
                             .line());
}

/// What is wrong with level 2 and, without any exposure of it there yet, with what comes after.
CalibrationPlan plan_and_check(parallel::Communicator const& communicator, config::Survey const& survey,
                               std::int64_t memory_per_rank, RunRequest& later) {
  auto plan = plan_calibration(communicator, survey);
  if (!plan.starts_from_rates) return plan;
  check_memory(plan, memory_per_rank, communicator.max(parallel::resident_bytes()));
  if (plan.exposures.empty() && plan.missing.empty()) plan.missing.push_back("lv2: no exposure is left to calibrate");
  auto const rest = survey_after_calibration(survey);
  parallel::all_or_none(communicator, [&] {
    if (communicator.is_root()) check_disk(plan);
    if (works_on_calibrated(rest)) later = request_from_inputs(rest, inputs_to_be(rest, plan));
  });
  if (!works_on_calibrated(rest)) {  // it would have said so
    for (auto const& warning : survey.warnings) later.warnings.push_back(warning.line());
    for (auto const& problem : survey.not_built)
      (survey.tessera.skip_unbuilt ? later.warnings : later.missing).push_back(problem.line());
  }
  plan.missing.insert(plan.missing.end(), later.missing.begin(), later.missing.end());
  agree_on_missing(communicator, plan.missing);
  return plan;
}

/// Nothing is begun.
bool is_refused(CalibrationPlan const& plan, config::Survey const& survey) {
  bool const broken_stops = survey.tessera.on_error == config::OnError::Stop && !plan.broken.empty();
  return !plan.missing.empty() || broken_stops;
}

void say_before(CalibrationPlan const& plan, RunRequest const& later, bool refused) {
  for (auto const& warning : later.warnings) log::warn("{}", warning);
  for (auto const& warning : plan.warnings) log::warn("{}", warning);
  for (auto const& note : plan.notes) log::warn("{}: {}", note.path, note.text);
  for (auto const& broken : plan.broken) log::error("{}: {}", refused ? "cannot run" : "quarantined", broken.text);
  for (auto const& line : plan.missing) log::error("cannot run: {}", line);
}

/// Runs level 2 within the memory of a rank.
CalibrationRun calibrate(parallel::Communicator const& communicator, config::Survey const& survey,
                         CalibrationPlan const& plan, std::int64_t memory_per_rank) {
  parallel::ControlChannel control(communicator);
  std::int64_t const program_bytes = communicator.max(parallel::resident_bytes());
  parallel::MemoryBudget budget(memory_per_rank - program_bytes);
  std::vector<store::ExposureRecord> const none;
  steps::StepContext context{communicator,
                             control,
                             budget,
                             none,
                             program_bytes,
                             [](std::string const&, std::string const&) { return store::Ledger{}; },
                             survey.tessera.on_error == config::OnError::Stop};
  return run_calibration(context, plan);
}

/// A request for nothing more: what there is to report of a run that ends with level 2.
RunRequest request_for_report(config::Survey const& survey) {
  RunRequest request;
  request.stop_on_error = survey.tessera.on_error == config::OnError::Stop;
  request.report_folder = survey.local.reprocess_dir / survey.version;
  request.configuration_json = survey.json();
  return request;
}

void add_notes(RunRequest& request, CalibrationPlan const& plan) {
  request.warnings.insert(request.warnings.end(), plan.warnings.begin(), plan.warnings.end());
  auto& inventory = request.inventory;
  inventory.notes.insert(inventory.notes.begin(), plan.notes.begin(), plan.notes.end());
  inventory.broken.insert(inventory.broken.begin(), plan.broken.begin(), plan.broken.end());
}

}  // namespace

SurveyPlan plan_survey(parallel::Communicator const& communicator, config::Survey const& survey,
                       std::int64_t memory_per_rank, int ranks) {
  SurveyPlan planned;
  RunRequest later;
  planned.calibration = plan_and_check(communicator, survey, memory_per_rank, later);
  if (planned.calibration.starts_from_rates) {
    auto const products = finished_products(communicator, planned.calibration);
    std::size_t count = 0;
    for (auto const& [band, files] : products) count += files.size();
    auto const rest = survey_after_calibration(survey);
    planned.calibrated = count;
    if (count == 0 || !works_on_calibrated(rest)) return planned;
    planned.plan =
        make_run_plan(communicator, request_from_survey(communicator, rest, products), memory_per_rank, ranks);
    return planned;
  }
  auto request = request_from_survey(communicator, survey);
  add_notes(request, planned.calibration);
  request.missing.insert(request.missing.end(), planned.calibration.missing.begin(), planned.calibration.missing.end());
  planned.plan = make_run_plan(communicator, std::move(request), memory_per_rank, ranks);
  return planned;
}

RunRequest request_for_calibrated(parallel::Communicator const& communicator, config::Survey const& survey) {
  auto const plan = plan_calibration(communicator, survey);
  if (!plan.starts_from_rates) return request_from_survey(communicator, survey);
  return request_from_survey(communicator, survey_after_calibration(survey), finished_products(communicator, plan));
}

ExitStatus run_survey(parallel::Communicator const& communicator, config::Survey const& survey,
                      std::int64_t memory_per_rank) {
  RunRequest later;
  auto const plan = plan_and_check(communicator, survey, memory_per_rank, later);
  if (!plan.starts_from_rates) {
    auto request = request_from_survey(communicator, survey);
    add_notes(request, plan);
    request.missing.insert(request.missing.end(), plan.missing.begin(), plan.missing.end());
    return run_plan(communicator, make_run_plan(communicator, std::move(request), memory_per_rank));
  }
  bool const refused = is_refused(plan, survey);
  if (communicator.is_root()) say_before(plan, later, refused);
  if (refused) return ExitStatus::Refused;
  parallel::all_or_none(communicator, [&] {
    if (!communicator.is_root()) return;
    auto const folder = survey.local.reprocess_dir / survey.version / "log";
    std::error_code error;
    std::filesystem::create_directories(folder, error);  // add_file says what is wrong
    log::add_file(folder / "tessera.log");
  });
  if (communicator.is_root()) log::info("\n{}", describe(plan));

  auto done = calibrate(communicator, survey, plan, memory_per_rank);
  auto const rest = survey_after_calibration(survey);
  bool const ends = done.stopped || done.products.empty() || !works_on_calibrated(rest);
  auto request = ends ? request_for_report(survey) : request_from_survey(communicator, rest, done.products);
  add_notes(request, plan);
  request.configuration_json = survey.json();  // with the steps that are done too
  request.earlier = {std::move(done.timing), std::move(done.failures), done.made, done.stopped};
  if (ends) {
    RunPlan report;
    report.request = std::move(request);
    report.memory_per_rank = memory_per_rank;
    report.ranks = communicator.size();
    return finish_without_mosaics(communicator, std::move(report));
  }
  return run_plan(communicator, make_run_plan(communicator, std::move(request), memory_per_rank));
}

}  // namespace tessera::pipeline
