#include "tessera/steps/lv2/calibrate_exposures.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <tuple>

#include "calibrate_exposure.hpp"
#include "tessera/parallel/pool.hpp"
#include "tessera/parallel/progress.hpp"

namespace tessera::steps {

namespace {

double pixels_of(RateRecord const& record) {
  return static_cast<double>(record.window.nx) * static_cast<double>(record.window.ny);
}

/// Items of this rank, those of one detector and band together: they share references.
std::vector<std::size_t> items_of_rank(std::vector<RateRecord> const& records,
                                       std::vector<CalibrationItem> const& items, parallel::Communicator const& world) {
  std::vector<double> costs;
  for (auto const& item : items) costs.push_back(pixels_of(records[static_cast<std::size_t>(item.record)]));
  auto const rank_of = parallel::divide_balanced(costs, world.size());
  std::vector<std::size_t> mine;
  for (std::size_t k = 0; k < items.size(); ++k)
    if (rank_of[k] == world.rank()) mine.push_back(k);
  std::stable_sort(mine.begin(), mine.end(), [&](std::size_t a, std::size_t b) {
    auto const& first = records[static_cast<std::size_t>(items[a].record)];
    auto const& second = records[static_cast<std::size_t>(items[b].record)];
    return std::tie(first.detector, first.filter, first.pupil) < std::tie(second.detector, second.filter, second.pupil);
  });
  return mine;
}

}  // namespace

bool CalibrationBand::does(ExposureOperation operation) const {
  return std::find(operations.begin(), operations.end(), operation) != operations.end();
}

CalibrationOutcome calibrate_exposures(StepContext& context, std::string const& label,
                                       std::vector<RateRecord> const& records,
                                       std::vector<CalibrationBand> const& bands,
                                       std::vector<CalibrationItem> const& items) {
  CalibrationOutcome result;
  if (items.empty()) return result;
  auto& outcome = result.outcome;
  StageClock clock;
  ExposureCalibrator calibrator(context.budget, clock);
  std::vector<parallel::Failure> failures;
  bool stopped = false;
  parallel::Progress progress(context.world, label, static_cast<std::int64_t>(items.size()));
  for (auto const k : items_of_rank(records, items, context.world)) {
    stopped = context.control.poll() >= parallel::StopRequest::FinishItems;
    if (stopped) break;
    auto const& record = records[static_cast<std::size_t>(items[k].record)];
    auto const begin = std::chrono::steady_clock::now();
    auto const fail = [&](Error const& error) {
      failures.push_back(
          {record.identity.label(), error.what(), static_cast<int>(error.status()), context.world.rank()});
      if (context.stop_on_error) context.control.raise(parallel::StopRequest::Failure);
    };
    try {
      calibrator.make(record, bands[static_cast<std::size_t>(items[k].band)], items[k], outcome.counts);
      ++outcome.counts.items;
    } catch (Error const& error) {
      if (error.status() == ExitStatus::InternalError) throw;  // a bug is no failure of an exposure
      fail(error);
    } catch (std::filesystem::filesystem_error const& error) {
      fail(IoError(
          {.what = "a file operation failed", .where = error.path1().string(), .found = error.code().message()}));
    }
    outcome.counts.busy_s += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    progress.advance();
  }
  progress.finish();
  outcome.failures = parallel::agree_on_failures(context.world, failures);
  outcome.stopped = context.world.max(std::int64_t{stopped}) > 0;
  result.seconds_of = clock.seconds();
  return result;
}

}  // namespace tessera::steps
