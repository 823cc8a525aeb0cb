#include "run_by_exposure.hpp"

#include <chrono>
#include <memory>

#include "tessera/parallel/pool.hpp"
#include "tessera/parallel/progress.hpp"
#include "tessera/steps/ledger_builder.hpp"

namespace tessera::steps {

StepOutcome run_by_exposure(StepContext& context, std::vector<BandTask> const& tasks,
                            std::vector<parallel::Failure> const& failed,
                            std::function<double(ExposureItem const&)> const& cost, MakeEntries const& make) {
  StepOutcome outcome;
  if (tasks.empty()) return outcome;
  auto const is_failed = [&](std::size_t task) { return task < failed.size() && !failed[task].message.empty(); };
  std::vector<parallel::Failure> failures;
  std::vector<std::unique_ptr<LedgerBuilder>> builders(tasks.size());
  std::vector<ExposureItem> items;
  std::vector<double> costs;
  for (std::size_t task = 0; task < tasks.size(); ++task) {
    if (is_failed(task)) {
      if (context.world.is_root()) failures.push_back(failed[task]);
      continue;
    }
    builders[task] = std::make_unique<LedgerBuilder>(context, tasks[task]);
    for (int const member : tasks[task].members) {
      if (builders[task]->has(context.records[static_cast<std::size_t>(member)].identity)) continue;
      items.push_back({task, member});
      costs.push_back(cost ? cost(items.back()) : 1);
    }
  }

  auto const rank_of = parallel::divide_balanced(costs, context.world.size());
  bool stopped = false;
  if (!items.empty()) {  // on all ranks alike
    parallel::Progress progress(context.world, tasks.front().step, static_cast<std::int64_t>(items.size()));
    for (std::size_t k = 0; k < items.size(); ++k) {
      if (rank_of[k] != context.world.rank()) continue;
      stopped = context.control.poll() >= parallel::StopRequest::FinishItems;
      if (stopped) break;
      auto const& identity = context.records[static_cast<std::size_t>(items[k].member)].identity;
      auto const begin = std::chrono::steady_clock::now();
      try {
        builders[items[k].task]->add(identity, make(items[k], outcome.counts));
        ++outcome.counts.items;
      } catch (Error const& error) {
        if (error.status() == ExitStatus::InternalError) throw;  // a bug is no failure of an exposure
        failures.push_back({identity.label(), error.what(), static_cast<int>(error.status()), context.world.rank()});
        if (context.stop_on_error) context.control.raise(parallel::StopRequest::Failure);
      }
      outcome.counts.busy_s += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      progress.advance();
    }
    progress.finish();
  }
  outcome.failures = parallel::agree_on_failures(context.world, failures);
  outcome.stopped = context.world.max(std::int64_t{stopped}) > 0;
  if (outcome.stopped) return outcome;
  for (auto& builder : builders)
    if (builder) builder->commit();
  return outcome;
}

}  // namespace tessera::steps
