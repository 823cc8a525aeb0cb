#include "tessera/steps/skymatch/skymatch_step.hpp"

#include <array>
#include <chrono>
#include <cstring>
#include <limits>

#include "sky_job.hpp"
#include "tessera/core/log.hpp"
#include "tessera/io/checksum.hpp"
#include "tessera/parallel/pool.hpp"
#include "tessera/parallel/progress.hpp"

namespace tessera::steps {

namespace {

using parallel::StopRequest;

constexpr double NaN = std::numeric_limits<double>::quiet_NaN();

/// The step on one rank.
class SkyMatching {
 public:
  SkyMatching(StepContext& context, std::vector<BandTask> const& tasks) : context_(context) {
    for (auto const& task : tasks) jobs_.push_back(make_job(task));
    std::vector<double> costs;
    for (std::size_t j = 0; j < jobs_.size(); ++j)
      for (std::size_t k = 0; k < jobs_[j].members.size(); ++k) {
        pool_.push_back({j, k});
        costs.push_back(static_cast<double>(jobs_[j].members[k]->nx * jobs_[j].members[k]->ny));
      }
    auto const owner = parallel::divide_balanced(costs, context.world.size());
    for (std::size_t item = 0; item < pool_.size(); ++item)
      if (owner[item] == context.world.rank()) mine_.push_back(pool_[item]);
  }

  StepOutcome run() {
    if (examine() && measure()) {
      solve();
      commit();
    } else {
      outcome_.stopped = true;
    }
    outcome_.failures = parallel::agree_on_failures(context_.world, failures_);
    return outcome_;
  }

 private:
  SkyJob make_job(BandTask const& task) {
    SkyJob job;
    job.task = &task;
    job.options = skymatch_options(task.parameters, task.band_facts);
    job.builder = std::make_unique<LedgerBuilder>(context_, task);
    for (int const member : task.members) job.members.push_back(&context_.records[static_cast<std::size_t>(member)]);
    job.neighbours.groups = sky_groups(job.options.grouping, task.members, context_.records);
    for (int const group : job.neighbours.groups)
      job.neighbours.group_count = std::max(job.neighbours.group_count, group + 1);
    job.neighbours.outlines.resize(job.members.size());
    job.neighbours.circles.resize(job.members.size());
    job.results.assign(job.members.size(), {std::nullopt, 0, true});  // until it has been looked at
    return job;
  }

  /// Runs `work(item, job, record)` for this rank's items; failures are noted. False: a stop request.
  template <class Work>
  bool for_my_items(Work work) {
    for (auto const& item : mine_) {
      if (context_.control.poll() >= StopRequest::FinishItems) break;
      auto& job = jobs_[item.job];
      auto const& record = *job.members[item.position];
      auto const begin = std::chrono::steady_clock::now();
      try {
        work(item, job, record);
      } catch (Error const& error) {
        if (error.status() == ExitStatus::InternalError) throw;  // a bug is no failure of an exposure
        failures_.push_back(
            {record.identity.label(), error.what(), static_cast<int>(error.status()), context_.world.rank()});
        if (context_.stop_on_error) context_.control.raise(StopRequest::Failure);
      }
      outcome_.counts.busy_s += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    }
    return context_.control.agree() < StopRequest::FinishItems;
  }

  /// Headers and outlines of all exposures, told to all ranks.
  bool examine() {
    SkyMessage message;
    bool const complete = for_my_items([&](SkyItem item, SkyJob& job, store::ExposureRecord const& record) {
      store::ExposureReader const reader(record, job.task->before);
      auto const examined = examine_sky(reader, job.options);
      std::vector<double> values{examined.start};
      for (auto const& vertex : examined.outline) values.insert(values.end(), {vertex.ra, vertex.dec});
      message.add(item, values);
    });
    if (!complete) return false;
    auto const all = context_.world.all_gather_values<double>(message.numbers());
    SkyMessage::read(all, [&](SkyItem item, std::span<double const> values) {
      auto& job = jobs_[item.job];
      job.results[item.position] = {std::nullopt, values[0], false};
      auto& outline = job.neighbours.outlines[item.position];
      for (std::size_t k = 1; k + 1 < values.size(); k += 2) outline.push_back({values[k], values[k + 1]});
      if (!outline.empty()) job.neighbours.circles[item.position] = circle_around(outline);
    });
    for (auto& job : jobs_) {
      io::Sha256 hash;
      for (auto const& outline : job.neighbours.outlines) {
        std::int64_t const size = static_cast<std::int64_t>(outline.size());
        hash.update(std::as_bytes(std::span(&size, 1)));
        hash.update(std::as_bytes(std::span(outline)));
      }
      job.outlines_hash = hash.hex().substr(0, 16);
    }
    return true;
  }

  /// Sky levels of this rank's exposures: from the journal where an earlier run was cut off.
  bool measure() {
    parallel::Progress progress(context_.world, "skymatch", static_cast<std::int64_t>(pool_.size()));
    bool const complete = for_my_items([&](SkyItem item, SkyJob& job, store::ExposureRecord const& record) {
      progress.advance();
      if (job.results[item.position].failed) return;
      std::vector<SkyMeasurement> sky(1);
      if (job.options.method != exchange::SkyMethod::User) sky = load_or_measure(item, job, record);
      std::vector<double> values;
      for (auto const& one : sky)
        values.insert(values.end(), {static_cast<double>(one.group), static_cast<double>(one.pixels), one.level});
      measured_.add(item, values);
      ++outcome_.counts.items;
    });
    progress.finish();
    return complete;
  }

  std::vector<SkyMeasurement> load_or_measure(SkyItem item, SkyJob& job, store::ExposureRecord const& record) {
    auto& journal = job.builder->journal();
    auto const name = fmt::format("sky {} {}", job.outlines_hash, record.identity.label());
    if (journal.has(name)) {
      auto const bytes = journal.load(name);
      std::vector<SkyMeasurement> sky(bytes.size() / sizeof(SkyMeasurement));
      std::memcpy(sky.data(), bytes.data(), sky.size() * sizeof(SkyMeasurement));
      return sky;
    }
    store::ExposureReader const reader(record, job.task->before);
    auto sky = measure_exposure(context_, reader, job.options, job.neighbours, item.position);
    outcome_.counts.bytes_read += reader.bytes_read();
    journal.append(name, std::as_bytes(std::span(sky)));
    return sky;
  }

  /// All measurements to one rank, levels from there to all. A job that cannot be solved fails by itself.
  void solve() {
    std::vector<std::vector<std::vector<SkyMeasurement>>> measured(jobs_.size());
    for (std::size_t j = 0; j < jobs_.size(); ++j) measured[j].resize(jobs_[j].members.size());
    auto const all = context_.world.all_gather_values<double>(measured_.numbers());
    SkyMessage::read(all, [&](SkyItem item, std::span<double const> values) {
      for (std::size_t k = 0; k + 2 < values.size(); k += 3)
        measured[item.job][item.position].push_back(
            {static_cast<std::int64_t>(values[k]), static_cast<std::int64_t>(values[k + 1]), values[k + 2]});
    });
    SkyMessage solved;
    parallel::all_or_none(context_.world, [&] {
      if (!context_.world.is_root()) return;
      for (std::size_t j = 0; j < jobs_.size(); ++j) {
        auto& job = jobs_[j];
        for (std::size_t k = 0; k < job.members.size(); ++k) job.results[k].failed = measured[j][k].empty();
        try {
          solve_job(job, measured[j]);
        } catch (InputError const& error) {
          failures_.push_back({job.task->label(), error.what(), static_cast<int>(error.status()), 0});
          continue;
        }
        for (std::size_t k = 0; k < job.members.size(); ++k)
          if (!job.results[k].failed) solved.add({j, k}, std::array{job.results[k].level.value_or(NaN)});
      }
    });
    auto const bytes = std::as_bytes(solved.numbers());
    auto const told = context_.world.broadcast(std::vector<std::byte>(bytes.begin(), bytes.end()));
    std::vector<double> numbers(told.size() / sizeof(double));
    std::memcpy(numbers.data(), told.data(), told.size());
    for (auto& job : jobs_)
      for (auto& result : job.results) result = {std::nullopt, result.start, true};
    SkyMessage::read(numbers, [&](SkyItem item, std::span<double const> values) {
      auto& result = jobs_[item.job].results[item.position];
      result.failed = false;
      if (!std::isnan(values[0])) result.level = values[0];
    });
  }

  void commit() {
    parallel::all_or_none(context_.world, [&] {
      for (auto const& item : mine_) {
        auto& job = jobs_[item.job];
        auto const& result = job.results[item.position];
        if (result.failed) continue;
        std::vector<model::LedgerEntry> entries(result.level ? 1 : 0);
        for (auto& entry : entries)
          entry.correction = model::SkyCorrection{*result.level, job.options.subtract, job.options.method_name};
        job.builder->add(job.members[item.position]->identity, std::move(entries));
      }
    });
    for (auto& job : jobs_) job.builder->commit();
  }

  StepContext& context_;
  std::vector<SkyJob> jobs_;
  std::vector<SkyItem> pool_, mine_;  ///< in catalogue order
  SkyMessage measured_;               ///< by this rank
  std::vector<parallel::Failure> failures_;
  StepOutcome outcome_;
};

}  // namespace

StepOutcome run_skymatch(StepContext& context, std::vector<BandTask> const& tasks) {
  return SkyMatching(context, tasks).run();
}

}  // namespace tessera::steps
