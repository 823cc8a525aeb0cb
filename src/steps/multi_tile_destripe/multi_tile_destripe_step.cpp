#include "tessera/steps/multi_tile_destripe/multi_tile_destripe_step.hpp"

#include "measure_passes.hpp"
#include "prepare_run.hpp"
#include "stripe_table.hpp"
#include "tessera/io/durable_file.hpp"
#include "tessera/parallel/control.hpp"

namespace tessera::steps {

namespace {

void write_tables(DestripeRun const& run, std::vector<StripeLine> const& lines) {
  parallel::all_or_none(run.context.world, [&] {
    if (!run.context.world.is_root()) return;
    for (auto const& task : run.tasks) {
      if (!is_active(task)) continue;
      std::vector<StripeLine> own;
      for (auto const& line : lines)
        if (line.task == run.index_of(task)) own.push_back(line);
      std::filesystem::create_directories(task.task->products);
      io::write_file(task.task->products / "stripes.csv", stripe_table(run.context, task, own));
    }
  });
}

/// The entries of all exposures from the profiles of all passes, and the table of them.
bool finish(DestripeRun& run) {
  std::vector<StripeLine> lines;
  for (auto const& item : run.mine) {
    auto& task = run.tasks[static_cast<std::size_t>(item.task)];
    auto const member = static_cast<std::size_t>(item.member);
    if (task.failed || task.lost[member]) continue;
    auto const& record = task.record(run.context, member);
    run.guarded(item.task, item.member, record.identity.label(), [&] {
      auto const layout = find_stripe_layout(store::ExposureReader(record, task.task->before), task.options.quadrants);
      StripeLine line{.task = item.task, .member = item.member, .iterations = task.iterations_done};
      auto const first = *find_profile(task, {true, 0}, record.identity);
      load_profile(task, {false, task.iterations_done - 1}, record.identity, line.largest_in_sigma);
      std::optional<StripeProfile> second;
      double unused = 0;
      if (task.options.large_scale) second = load_profile(task, {true, 0}, record.identity, unused);
      describe_profiles(first, second ? &*second : nullptr, line);
      auto entries = make_entries(first, layout);
      if (second)
        for (auto& entry : make_entries(*second, layout)) entries.push_back(std::move(entry));
      task.builder->add(record.identity, std::move(entries));
      lines.push_back(line);
    });
  }
  write_tables(run, run.context.world.all_gather_values<StripeLine>(lines));
  return run.agree();
}

}  // namespace

StepOutcome run_multi_tile_destripe(StepContext& context, std::vector<BandTask> const& tasks) {
  DestripeRun run(context, tasks);
  run.outcome.stopped =
      !(examine_exposures(run) && plan_tasks(run) && match_levels(run) && measure_passes(run) && finish(run));
  for (auto& task : run.tasks) {
    if (run.outcome.stopped) break;
    if (!task.failed) task.builder->commit();
    std::error_code ignored;
    if (task.failed && context.world.is_root()) std::filesystem::remove_all(task.task->scratch, ignored);
  }
  run.outcome.failures = parallel::agree_on_failures(context.world, run.failures);
  return run.outcome;
}

}  // namespace tessera::steps
