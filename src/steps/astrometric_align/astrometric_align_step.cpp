#include "tessera/steps/astrometric_align/astrometric_align_step.hpp"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

#include "../run_by_exposure.hpp"
#include "band_order.hpp"
#include "measure_band.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/parallel/pool.hpp"
#include "tessera/sky/unit_vector.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::steps {

namespace {

constexpr double ArcsecPerRadian = 3600 * sky::DegreesPerRadian;

/// How the measurement of one task ended: a solution, or a failure.
struct Outcome {
  std::optional<MosaicSolution> solution;
  int status = 0;
  std::string problem;
};

/// Outcomes on their way to other ranks.
nlohmann::json pack(std::size_t task, Outcome const& outcome) {
  return {{"task", task},
          {"status", outcome.status},
          {"problem", outcome.problem},
          {"solution", outcome.solution ? to_json(*outcome.solution) : ""}};
}

void unpack(std::string const& text, std::vector<Outcome>& outcomes) {
  for (auto const& packed : nlohmann::json::parse(text)) {
    auto& outcome = outcomes[packed.at("task").get<std::size_t>()];
    outcome = {std::nullopt, packed.at("status"), packed.at("problem")};
    if (auto const solution = packed.at("solution").get<std::string>(); !solution.empty())
      outcome.solution = solution_from_json(solution);
  }
}

void tell(BandTask const& task, MosaicSolution const& s) {
  for (auto const& warning : s.warnings) log::warn("astrometric_align {}: {}", task.label(), warning);
  if (!s.is_aligned()) {
    log::warn("astrometric_align {}: not aligned, its WCS stays: {}{}{}", task.label(),
              s.status == exchange::AlignStatus::NotAligned ? "" : exchange::status_text(s.status),
              s.status == exchange::AlignStatus::NotAligned ? "" : ": ", s.reason);
    return;
  }
  log::info("astrometric_align {}: moved by ({:.4f}, {:.4f}) arcsec to {}{}", task.label(),
            s.move.shift[0] * ArcsecPerRadian, s.move.shift[1] * ArcsecPerRadian, s.reference,
            s.matches > 0 && s.rmse > 0
                ? fmt::format(": {} matches, rms {:.4f} arcsec, {:.4f} before", s.matches, s.rmse, s.rms_before)
                : "");
  if (!s.reason.empty()) log::warn("astrometric_align {}: {}", task.label(), s.reason);
}

/// The solutions of all tasks, level by level, each by one rank.
class Measurements {
 public:
  Measurements(StepContext& context, std::vector<BandTask> const& tasks) : context_(context), tasks_(tasks) {
    outcomes_.resize(tasks.size());
    options_.resize(tasks.size());
    for (std::size_t k = 0; k < tasks.size(); ++k) try {
        options_[k] = astrometric_align_options(tasks[k].parameters, tasks[k].target, tasks[k].band);
      } catch (Error const& error) {
        outcomes_[k] = {std::nullopt, static_cast<int>(error.status()), error.what()};
      }
    places_ = order_bands(tasks, options_);
    for (std::size_t k = 0; k < tasks.size(); ++k)
      if (!places_[k].problem.empty())
        outcomes_[k] = {std::nullopt, static_cast<int>(ExitStatus::Refused), places_[k].problem};
  }

  /// False: a stop request. Collective.
  bool run(StepCounts& counts) {
    int levels = 0;
    for (auto const& place : places_) levels = std::max(levels, place.level + 1);
    for (int level = 0; level < levels; ++level) {
      run_level(level, counts);
      if (context_.control.agree() >= parallel::StopRequest::FinishItems) return false;
    }
    return true;
  }

  std::vector<Outcome> const& outcomes() const { return outcomes_; }

  /// One for each task, in their order; without a message where nothing failed. The same on all ranks.
  std::vector<parallel::Failure> failures() const {
    std::vector<parallel::Failure> all;
    for (std::size_t k = 0; k < tasks_.size(); ++k)
      all.push_back({tasks_[k].label(), outcomes_[k].problem, outcomes_[k].status, 0});
    return all;
  }

 private:
  void run_level(int level, StepCounts& counts) {
    std::vector<std::size_t> items;
    for (std::size_t k = 0; k < tasks_.size(); ++k) {
      if (places_[k].level != level || !outcomes_[k].problem.empty()) continue;
      if (places_[k].needs >= 0) {
        auto const needed = static_cast<std::size_t>(places_[k].needs);
        if (!outcomes_[needed].solution) {
          outcomes_[k] = {
              std::nullopt, outcomes_[needed].status,
              fmt::format("{}: {}, which it is aligned to, failed", tasks_[k].label(), tasks_[needed].band)};
          continue;
        }
      }
      items.push_back(k);
    }
    auto const rank_of = parallel::divide_balanced(std::vector<double>(items.size(), 1.0), context_.world.size());
    auto done = nlohmann::json::array();
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (rank_of[i] != context_.world.rank()) continue;
      if (context_.control.poll() >= parallel::StopRequest::FinishItems) break;
      auto const begin = std::chrono::steady_clock::now();
      done.push_back(pack(items[i], measure(items[i])));
      counts.busy_s += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    }
    auto const text = done.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    for (auto const& packed : context_.world.all_gather(text)) unpack(packed, outcomes_);
    if (!context_.world.is_root()) return;
    for (auto const k : items)
      if (outcomes_[k].solution) tell(tasks_[k], *outcomes_[k].solution);
  }

  Outcome measure(std::size_t k) {
    auto const& task = tasks_[k];
    ReferenceBand reference;
    if (auto const needs = places_[k].needs; needs >= 0) {
      auto const needed = static_cast<std::size_t>(needs);
      reference = {&tasks_[needed], &*outcomes_[needed].solution};
    }
    try {
      auto const measured = measure_band(context_, task, *options_[k], reference);
      write_align_products(task, measured);
      return {measured.solution, 0, ""};
    } catch (Error const& error) {
      if (error.status() == ExitStatus::InternalError) throw;  // a bug is no failure of a band
      if (context_.stop_on_error) context_.control.raise(parallel::StopRequest::Failure);
      return {std::nullopt, static_cast<int>(error.status()), error.what()};
    }
  }

  StepContext& context_;
  std::vector<BandTask> const& tasks_;
  std::vector<std::optional<AstrometricAlignOptions>> options_;
  std::vector<BandPlace> places_;
  std::vector<Outcome> outcomes_;
};

/// The solution of the mosaic in the plane of one exposure.
model::LedgerEntry carry_back(store::ExposureRecord const& record, BandTask const& task,
                              MosaicSolution const& solution) {
  store::ExposureReader const reader(record, task.before);
  exchange::AlignImage image;
  image.plane = sky::correction_plane(
      *reader.wcs(), {0.5 * static_cast<double>(record.nx - 1), 0.5 * static_cast<double>(record.ny - 1)});
  sky::CorrectionPlane measured_in;
  measured_in.tangent = solution.tangent;
  model::LedgerEntry entry;
  entry.correction = exchange::carry_to_image(
      solution.move.matrix, {solution.move.shift[0] * ArcsecPerRadian, solution.move.shift[1] * ArcsecPerRadian},
      measured_in, image);
  for (auto const& before : reader.entries())
    entry.wcs_version += std::holds_alternative<model::WcsCorrection>(before.correction);
  return entry;
}

}  // namespace

StepOutcome run_astrometric_align(StepContext& context, std::vector<BandTask> const& tasks) {
  StepOutcome outcome;
  if (tasks.empty()) return outcome;
  Measurements measurements(context, tasks);
  StepCounts counts;
  if (!measurements.run(counts)) {
    outcome.failures = measurements.failures();
    std::erase_if(outcome.failures, [](parallel::Failure const& failure) { return failure.message.empty(); });
    outcome.stopped = true;
    outcome.counts = counts;
    return outcome;
  }
  auto const& outcomes = measurements.outcomes();
  outcome = run_by_exposure(context, tasks, measurements.failures(), {},
                            [&](ExposureItem const& item, StepCounts&) -> std::vector<model::LedgerEntry> {
                              auto const& solution = *outcomes[item.task].solution;
                              if (!solution.is_aligned()) return {};
                              auto const& record = context.records[static_cast<std::size_t>(item.member)];
                              return {carry_back(record, tasks[item.task], solution)};
                            });
  outcome.counts.busy_s += counts.busy_s;
  return outcome;
}

}  // namespace tessera::steps
