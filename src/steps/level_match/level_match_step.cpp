#include "tessera/steps/level_match/level_match_step.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "level_match_tables.hpp"
#include "match_pool.hpp"
#include "match_sets.hpp"
#include "measure_stage.hpp"
#include "solve_stage.hpp"
#include "tessera/core/log.hpp"

namespace tessera::steps {

namespace {

MatchPool make_pool(StepContext& context, std::vector<BandTask> const& tasks) {
  MatchPool pool{context, tasks, {}, {}, {}, {}, {}, {}};
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    pool.options.push_back(read_level_match_options(tasks[t].parameters));
    pool.builders.push_back(std::make_unique<LedgerBuilder>(context, tasks[t]));
    for (int const record : tasks[t].members) {
      PoolExposure exposure;
      exposure.task = static_cast<int>(t);
      exposure.record = record;
      pool.exposures.push_back(std::move(exposure));
      pool.exposures.back().image = exposure_image_name(context.records[static_cast<std::size_t>(record)].identity);
    }
  }
  return pool;
}

/// Backgrounds that a file carries beside its pixels are no part of this step, and a person may wonder.
void note_background_levels(MatchPool const& pool) {
  for (std::size_t t = 0; t < pool.tasks.size(); ++t) {
    auto const count = std::count_if(pool.exposures.begin(), pool.exposures.end(), [&](PoolExposure const& exposure) {
      return exposure.task == static_cast<int>(t) &&
             pool.context.records[static_cast<std::size_t>(exposure.record)].sky_level;
    });
    if (count > 0 && pool.context.world.is_root())
      log::warn(
          "level_match, {}: {} exposures have a BKGLEVEL that is not subtracted; SCI is matched as it is, and "
          "skymatch should follow to replace BKGLEVEL",
          pool.tasks[t].label(), count);
  }
}

/// The entries of an exposure: one a stage.
std::vector<model::LedgerEntry> entries_of(MatchPool const& pool, PoolExposure const& exposure) {
  std::vector<model::LedgerEntry> entries;
  for (auto const& correction : exposure.corrections) {
    model::LedgerEntry entry;
    entry.wcs_version = exposure.place.wcs_version;
    if (correction.with_slope) {
      auto const& grid = pool.grids[static_cast<std::size_t>(correction.grid)];
      auto const reference = sky::grid_reference_pixel(grid);
      entry.correction = model::SkyPlaneCorrection{correction.plane.level + correction.local,
                                                   correction.plane.slope_x,
                                                   correction.plane.slope_y,
                                                   reference.x,
                                                   reference.y,
                                                   grid};
    } else {
      entry.correction = model::LevelCorrection{correction.plane.level + correction.local};
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

/// All stages. True when a stop was asked for. Collective.
bool run_stages(MatchPool& pool, std::vector<TaskTables>& tables) {
  find_places(pool);
  if (pool.context.control.agree() >= parallel::StopRequest::FinishItems) return true;
  for (auto const stage : MatchStages) {
    auto const work = plan_stage(pool, stage);
    if (work.sets.empty()) continue;
    auto const found = measure_stage(pool, work);
    if (found.stopped || pool.context.control.agree() >= parallel::StopRequest::FinishItems) return true;
    solve_stage(pool, work, found, tables);
  }
  return false;
}

/// Tables, plots and ledger of a task. Collective.
void finish_task(MatchPool& pool, int task, TaskTables const& tables) {
  auto& builder = *pool.builders[static_cast<std::size_t>(task)];
  auto const& world = pool.context.world;
  parallel::all_or_none(world, [&] {
    if (world.is_root()) {
      write_level_match_tables(pool, task, tables);
      write_level_match_plots(pool, task, tables);
    }
    int turn = 0;
    for (auto const& exposure : pool.exposures) {
      if (exposure.task != task || exposure.failed) continue;
      auto const& identity = pool.context.records[static_cast<std::size_t>(exposure.record)].identity;
      if (turn++ % world.size() == world.rank()) builder.add(identity, entries_of(pool, exposure));
    }
  });
  builder.commit();
}

/// Failures of all ranks, each exposure once.
std::vector<parallel::Failure> agree(MatchPool const& pool) {
  std::vector<parallel::Failure> failures;
  for (auto const& failure : parallel::agree_on_failures(pool.context.world, pool.failures)) {
    bool const known = std::any_of(failures.begin(), failures.end(),
                                   [&](parallel::Failure const& other) { return other.item == failure.item; });
    if (!known) failures.push_back(failure);
  }
  return failures;
}

}  // namespace

StepOutcome run_level_match(StepContext& context, std::vector<BandTask> const& tasks) {
  StepOutcome outcome;
  auto pool = make_pool(context, tasks);
  note_background_levels(pool);
  std::vector<TaskTables> tables(tasks.size());
  outcome.stopped = run_stages(pool, tables);
  for (int task = 0; !outcome.stopped && task < static_cast<int>(tasks.size()); ++task) {
    auto const label = tasks[static_cast<std::size_t>(task)].label();
    try {
      finish_task(pool, task, tables[static_cast<std::size_t>(task)]);
    } catch (Error const& error) {  // agreed: every rank is here
      if (context.world.is_root())
        pool.failures.push_back({label, error.what(), static_cast<int>(error.status()), context.world.rank()});
    }
  }
  outcome.failures = agree(pool);
  outcome.counts = pool.counts;
  return outcome;
}

}  // namespace tessera::steps
