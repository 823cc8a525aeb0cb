#include "prepare_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "match_levels.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/parallel/pool.hpp"
#include "tessera/parallel/progress.hpp"

namespace tessera::steps {

namespace {

/// Says how a task lies on the sky, and which exposures have nothing to be compared with.
void describe(DestripeRun const& run, DestripeTask const& task) {
  for (std::size_t k = 0; k < task.members.size(); ++k)
    if (!task.overlaps[k])
      log::warn(
          "{}: no other exposure of {} reaches its part of the sky; no stripes are measured, only the levels of "
          "its amplifiers",
          task.record(run.context, k).path, task.task->label());
  auto const course = task.course == kernels::StripeCourse::Horizontal ? "its rows"
                      : task.course == kernels::StripeCourse::Vertical ? "its columns"
                                                                       : "no direction";
  log::info("{}: {} exposures on a grid of {} x {}; stripes along {}{}", task.task->label(), task.members.size(),
            task.plan.grid.nx, task.plan.grid.ny, course,
            task.options.large_scale ? fmt::format(", large-scale window {}", task.window) : "");
}

exchange::PairMeasurement load_or_measure(DestripeTask& task, LevelPair const& pair, PairMeter& meter) {
  auto& journal = task.builder->journal();
  auto const item = fmt::format("levels of {} and {} among {}", pair.first, pair.second, task.members_hash);
  exchange::PairMeasurement measured;
  if (journal.has(item)) {
    auto const bytes = journal.load(item);
    TESSERA_EXPECT(bytes.size() == sizeof(measured));
    std::memcpy(&measured, bytes.data(), sizeof(measured));
    return measured;
  }
  measured = meter.measure(pair);
  journal.append(item, std::as_bytes(std::span(&measured, 1)));
  return measured;
}

}  // namespace

bool examine_exposures(DestripeRun& run) {
  std::vector<MemberFacts> facts;
  for (auto const& item : run.mine) {
    if (run.stop_wanted()) break;
    auto& task = run.tasks[static_cast<std::size_t>(item.task)];
    if (task.failed) continue;
    auto const& record =
        run.context.records[static_cast<std::size_t>(task.task->members[static_cast<std::size_t>(item.position)])];
    run.guarded(item.task, static_cast<int>(task.task->members.size()), record.identity.label(), [&] {
      parallel::MemoryBudget::Reservation const held(run.context.budget, record.path,
                                                     exchange::loaded_exposure_bytes(record));
      facts.push_back(examine_member(run.context, *task.task, item.position));
      facts.back().task = item.task;
    });
  }
  auto all = run.context.world.all_gather_values<MemberFacts>(facts);
  std::sort(all.begin(), all.end(), [](MemberFacts const& a, MemberFacts const& b) {
    return std::pair(a.task, a.position) < std::pair(b.task, b.position);
  });
  for (auto const& one : all) {
    auto& task = run.tasks[static_cast<std::size_t>(one.task)];
    task.facts.push_back(one);
    task.members.push_back(task.task->members[static_cast<std::size_t>(one.position)]);
  }
  return run.agree();
}

bool plan_tasks(DestripeRun& run) {
  for (auto& task : run.tasks) {
    if (task.failed) continue;
    for (auto const& [record, text] : drop_strayed_members(task))
      if (run.context.world.is_root())
        run.failures.push_back({run.context.records[static_cast<std::size_t>(record)].identity.label(), text,
                                static_cast<int>(ExitStatus::Refused), 0});
    if (task.members.empty()) continue;
    try {
      plan_task(run.context, task);
    } catch (InputError const& error) {
      task.failed = true;
      if (run.context.world.is_root()) run.note(task.task->label(), error);
      continue;
    }
    if (run.context.world.is_root()) describe(run, task);
  }
  for (auto& item : run.mine) {
    auto const& task = run.tasks[static_cast<std::size_t>(item.task)];
    auto const record = task.task->members[static_cast<std::size_t>(item.position)];
    auto const found = std::find(task.members.begin(), task.members.end(), record);
    if (!task.failed && found != task.members.end()) item.member = static_cast<int>(found - task.members.begin());
  }
  std::erase_if(run.mine, [](DestripeItem const& item) { return item.member < 0; });
  return run.agree();
}

bool match_levels(DestripeRun& run) {
  std::vector<std::pair<int, LevelPair>> pool;
  for (auto const& task : run.tasks)
    if (is_active(task) && task.options.level_match)
      for (auto const& pair : pairs_that_meet(task)) pool.emplace_back(run.index_of(task), pair);
  if (pool.empty()) return true;
  auto const mine =
      parallel::divide_in_runs(std::vector<double>(pool.size(), 1.0),
                               run.context.world.size())[static_cast<std::size_t>(run.context.world.rank())];
  std::vector<std::vector<exchange::PairMeasurement>> measured(run.tasks.size());
  std::unique_ptr<PairMeter> meter;
  parallel::Progress progress(run.context.world, "multi_tile_destripe: pairs", static_cast<std::int64_t>(pool.size()));
  for (auto k = mine.begin; k < mine.end && !run.stop_wanted(); ++k, progress.advance()) {
    auto const& [t, pair] = pool[k];
    auto& task = run.tasks[static_cast<std::size_t>(t)];
    if (k == mine.begin || pool[k - 1].first != t) meter = std::make_unique<PairMeter>(run.context, task);
    run.guarded(t, -1, task.task->label(), [&, index = t, one = pair] {
      measured[static_cast<std::size_t>(index)].push_back(load_or_measure(task, one, *meter));
    });
  }
  progress.finish();
  for (std::size_t t = 0; t < run.tasks.size(); ++t) {
    if (!is_active(run.tasks[t]) || !run.tasks[t].options.level_match) continue;
    // Runs of the ranks are in order: so are the pairs.
    auto const pairs = run.context.world.all_gather_values<exchange::PairMeasurement>(measured[t]);
    run.tasks[t].level = solve_member_levels(run.tasks[t], pairs);
  }
  return run.agree();
}

}  // namespace tessera::steps
