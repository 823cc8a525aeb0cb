#include "destripe_run.hpp"

#include "tessera/parallel/control.hpp"
#include "tessera/parallel/pool.hpp"

namespace tessera::steps {

using parallel::StopRequest;

DestripeRun::DestripeRun(StepContext& step_context, std::vector<BandTask> const& band_tasks) : context(step_context) {
  for (auto const& task : band_tasks) {
    DestripeTask state;
    state.task = &task;
    state.builder = std::make_unique<LedgerBuilder>(context, task);
    try {
      state.options = destripe_options(task.parameters);
    } catch (ConfigError const& error) {  // the same on all ranks
      state.failed = true;
      if (context.world.is_root()) note(task.label(), error);
    }
    tasks.push_back(std::move(state));
  }
  std::vector<DestripeItem> pool;
  std::vector<double> costs;
  for (std::size_t t = 0; t < tasks.size(); ++t)
    for (std::size_t k = 0; k < tasks[t].task->members.size(); ++k) {
      auto const& record = context.records[static_cast<std::size_t>(tasks[t].task->members[k])];
      pool.push_back({static_cast<int>(t), static_cast<int>(k)});
      costs.push_back(static_cast<double>(record.nx * record.ny));
    }
  auto const owner = parallel::divide_balanced(costs, context.world.size());
  for (std::size_t k = 0; k < pool.size(); ++k)
    if (owner[k] == context.world.rank()) mine.push_back(pool[k]);
}

void DestripeRun::note(std::string const& item, Error const& error) {
  failures.push_back({item, error.what(), static_cast<int>(error.status()), context.world.rank()});
  if (context.stop_on_error) context.control.raise(StopRequest::Failure);
}

bool DestripeRun::agree() {
  for (auto const& trouble : context.world.all_gather_values<DestripeTrouble>(troubles_)) {
    auto& task = tasks[static_cast<std::size_t>(trouble.task)];
    if (trouble.member < 0)
      task.failed = true;
    else if (static_cast<std::size_t>(trouble.member) < task.lost.size())
      task.lost[static_cast<std::size_t>(trouble.member)] = true;
  }
  troubles_.clear();
  return context.control.agree() < StopRequest::FinishItems;
}

bool DestripeRun::stop_wanted() { return context.control.poll() >= StopRequest::FinishItems; }

void DestripeRun::share_journal(DestripeTask& task) {
  auto& journal = task.builder->journal();
  context.world.barrier();
  std::string listing;
  parallel::all_or_none(context.world, [&] {
    if (!context.world.is_root()) return;
    journal.read();
    listing = journal.listing();
  });
  journal.take_listing(context.world.broadcast(listing));
}

}  // namespace tessera::steps
