#include "outlier_run.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "flag_exposure.hpp"
#include "group_threshold.hpp"
#include "make_medians.hpp"
#include "save_medians.hpp"
#include "stopwatch.hpp"
#include "tessera/core/log.hpp"
#include "tessera/exchange/open_together.hpp"
#include "tessera/parallel/pool.hpp"
#include "tessera/sky/footprint.hpp"
#include "tessera/steps/outlier_detection/outlier_detection_step.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::steps {

namespace {

using parallel::StopRequest;

/// Item of the journal that holds the threshold of a group: made without the exposures that were lost before.
std::string item_name(StepContext const& context, OutlierPlan const& plan, std::size_t group) {
  return fmt::format("weight threshold {} of {}{}", group, plan.record(context, plan.groups[group].front()).group_id,
                     plan.lost_text());
}

}  // namespace

OutlierRun::OutlierRun(StepContext& context, std::vector<BandTask> const& tasks)
    : context_(context), flagged_(tasks.size(), 0) {
  for (auto const& task : tasks) plans_.push_back(begin_plan(context, task));
}

StepOutcome OutlierRun::run() {
  count_groups();
  if (lay_out_all() && find_thresholds() && make_all_medians() && flag_all())
    commit();
  else
    outcome_.stopped = true;
  outcome_.failures = parallel::agree_on_failures(context_.world, failures_);
  return outcome_;
}

bool OutlierRun::is_finished(OutlierPlan const& plan) const {
  for (std::size_t k = 0; k < plan.lost.size(); ++k)
    if (!plan.lost[k] && !plan.builder->has(plan.record(context_, static_cast<int>(k)).identity)) return false;
  return true;
}

void OutlierRun::count_groups() {
  for (auto& plan : plans_) {
    auto const present = std::count_if(plan.groups.begin(), plan.groups.end(), [&](std::vector<int> const& group) {
      return std::any_of(group.begin(), group.end(), [&](int k) { return !plan.lost[static_cast<std::size_t>(k)]; });
    });
    if (!plan.is_active() || present >= 2) continue;
    if (context_.world.is_root())
      log::info("outlier_detection {}: skipped: {} of exposures, and at least two are compared", plan.task->label(),
                present == 1 ? "one group" : "no group");
    plan.too_few = true;
  }
}

template <class Work>
bool OutlierRun::for_my_items(std::vector<Item> const& items, std::vector<double> const& costs, Work work) {
  auto const owner = parallel::divide_balanced(costs, context_.world.size());
  Stopwatch const watch(outcome_.counts.busy_s);
  for (std::size_t k = 0; k < items.size(); ++k) {
    if (owner[k] != context_.world.rank()) continue;
    if (context_.control.poll() >= StopRequest::FinishItems) break;
    work(items[k]);
  }
  return context_.control.agree() < StopRequest::FinishItems;
}

void OutlierRun::note_lost(std::size_t plan, int position, std::string const& message, int status) {
  auto const& identity = plans_[plan].record(context_, position).identity;
  failures_.push_back({identity.label(), message, status, context_.world.rank()});
  notes_.push_back({Note::Kind::Lost, static_cast<int>(plan), position, 0});
  if (context_.stop_on_error) context_.control.raise(StopRequest::Failure);
}

void OutlierRun::note_failed(std::size_t plan, Error const& error) {
  failures_.push_back(
      {plans_[plan].task->label(), error.what(), static_cast<int>(error.status()), context_.world.rank()});
  notes_.push_back({Note::Kind::Failed, static_cast<int>(plan), 0, 0});
  if (context_.stop_on_error) context_.control.raise(StopRequest::Failure);
}

void OutlierRun::share_notes() {
  for (auto const& note : context_.world.all_gather_values<Note>(std::span<Note const>(notes_))) {
    auto& plan = plans_[static_cast<std::size_t>(note.plan)];
    auto const index = static_cast<std::size_t>(note.index);
    switch (note.kind) {
      case Note::Kind::Lost:
        plan.lost[index] = true;
        for (auto& reaching : plan.sky.block_members) std::erase(reaching, note.index);
        break;
      case Note::Kind::Threshold:
        plan.thresholds[index] = note.value;
        break;
      case Note::Kind::Failed:
        plan.failed = true;
        break;
    }
  }
  notes_.clear();
  count_groups();
}

bool OutlierRun::lay_out_all() {
  std::vector<Item> items;
  std::vector<std::vector<model::SkyPolygon>> outlines(plans_.size());
  for (std::size_t p = 0; p < plans_.size(); ++p) {
    auto const& plan = plans_[p];
    for (std::size_t k = 0; k < plan.lost.size(); ++k)
      outlines[p].push_back(plan.record(context_, static_cast<int>(k)).footprint);
    bool const may_move = plan.options.resample_data && !plan.task->before.steps().empty();
    if (!plan.is_active() || !may_move) continue;
    for (std::size_t k = 0; k < plan.lost.size(); ++k) items.push_back({p, k});
  }
  std::vector<double> mine;
  bool const complete = for_my_items(items, std::vector<double>(items.size(), 1.0), [&](Item const& item) {
    auto const& record = plans_[item.plan].record(context_, static_cast<int>(item.index));
    try {
      store::ExposureReader const reader(record, plans_[item.plan].task->before);
      auto const outline = sky::footprint(*reader.wcs(), record.nx, record.ny);
      mine.insert(mine.end(), {static_cast<double>(item.plan), static_cast<double>(item.index)});
      for (auto const& vertex : outline) mine.insert(mine.end(), {vertex.ra, vertex.dec});
    } catch (Error const& error) {
      if (error.status() == ExitStatus::InternalError) throw;  // a bug is no failure of an exposure
      note_lost(item.plan, static_cast<int>(item.index), error.what(), static_cast<int>(error.status()));
    }
  });
  auto const all = context_.world.all_gather_values<double>(std::span<double const>(mine));
  for (std::size_t at = 0; at + 10 <= all.size(); at += 10)
    for (std::size_t corner = 0; corner < 4; ++corner)
      outlines[static_cast<std::size_t>(all[at])][static_cast<std::size_t>(all[at + 1])][corner] = {
          all[at + 2 + 2 * corner], all[at + 3 + 2 * corner]};
  share_notes();
  for (auto& plan : plans_) plan.builder->set_variant(plan.lost_text());
  for (std::size_t p = 0; p < plans_.size(); ++p) {
    if (!plans_[p].is_active()) continue;
    try {
      lay_out(context_, plans_[p], outlines[p]);
      if (context_.world.is_root() && !is_finished(plans_[p]))
        std::filesystem::create_directories(plans_[p].task->scratch);
    } catch (Error const& error) {  // on all ranks alike: one speaks
      plans_[p].failed = true;
      if (context_.world.is_root()) note_failed(p, error);
    }
  }
  share_notes();
  return complete && context_.control.agree() < StopRequest::FinishItems;
}

bool OutlierRun::find_thresholds() {
  std::vector<Item> items;
  std::vector<double> costs;
  for (std::size_t p = 0; p < plans_.size(); ++p) {
    auto& plan = plans_[p];
    if (!plan.is_active() || is_finished(plan)) continue;
    for (std::size_t g = 0; g < plan.groups.size(); ++g) {
      auto const& journal = plan.builder->journal();
      auto const name = item_name(context_, plan, g);
      if (journal.has(name)) {
        if (!context_.world.is_root()) continue;
        auto const bytes = journal.load(name);
        Note note{Note::Kind::Threshold, static_cast<int>(p), static_cast<int>(g), 0};
        std::memcpy(&note.value, bytes.data(), std::min(bytes.size(), sizeof(double)));
        notes_.push_back(note);
        continue;
      }
      items.push_back({p, g});
      costs.push_back(0);
      for (int const position : plan.groups[g]) {
        auto const& record = plan.record(context_, position);
        costs.back() += static_cast<double>(record.nx * record.ny);
      }
    }
  }
  parallel::Progress progress(context_.world, "outlier_detection: thresholds", static_cast<std::int64_t>(items.size()));
  bool const complete = for_my_items(items, costs, [&](Item const& item) {
    auto& plan = plans_[item.plan];
    try {
      auto const memory = divide_outlier_memory(context_, plan);
      parallel::MemoryBudget::Reservation const held(context_.budget, "outlier_detection " + plan.task->label(),
                                                     memory.total());
      auto const found = find_group_threshold(context_, plan, item.index, memory);
      if (!found) return;
      outcome_.counts.bytes_read += found->bytes_read;
      for (auto const& lost : found->lost) note_lost(item.plan, lost.position, lost.message, lost.status);
      notes_.push_back(
          {Note::Kind::Threshold, static_cast<int>(item.plan), static_cast<int>(item.index), found->threshold});
      // The threshold of a group that lost an exposure is good for this run only.
      if (found->lost.empty())
        plan.builder->journal().append(item_name(context_, plan, item.index),
                                       std::as_bytes(std::span(&found->threshold, 1)));
    } catch (Error const& error) {
      if (error.status() == ExitStatus::InternalError) throw;
      note_failed(item.plan, error);
    }
    progress.advance();
  });
  progress.finish();
  share_notes();
  for (auto& plan : plans_) plan.builder->set_variant(plan.lost_text());
  return complete && context_.control.agree() < StopRequest::FinishItems;
}

void OutlierRun::make_medians_of(std::size_t number, parallel::Communicator const& group, exchange::BlockRun const& run,
                                 parallel::Progress& progress) {
  auto const& plan = plans_[number];
  auto const journal = make_median_journal(plan, context_.world.rank());
  std::vector<std::int64_t> blocks;
  parallel::all_or_none(group, [&] {
    if (!group.is_root()) return;
    auto const found = begin_median_file(plan, journal);
    blocks.assign(found.begin(), found.end());
  });
  auto const all = group.all_gather_values<std::int64_t>(std::span<std::int64_t const>(blocks));
  std::set<std::int64_t> const finished(all.begin(), all.end());
  std::vector<std::int64_t> todo;
  for (auto position = run.begin; position < run.end; ++position) {
    auto const block = plan.sky.order[position];
    if (finished.contains(block))
      progress.advance();
    else if (!plan.sky.block_members[static_cast<std::size_t>(block)].empty())
      todo.push_back(block);
  }
  auto const memory = divide_outlier_memory(context_, plan);
  std::exception_ptr failure;
  {
    auto const file = exchange::open_together(group, plan.median_file());
    try {
      parallel::MemoryBudget::Reservation const held(context_.budget, "outlier_detection " + plan.task->label(),
                                                     memory.total());
      if (!make_medians(context_, plan, memory, todo, *file, journal, progress, outcome_.counts))
        outcome_.stopped = true;
    } catch (...) {
      failure = std::current_exception();  // the others must not be left waiting, nor this rank in closing the file
    }
  }
  parallel::all_or_none(group, [&] {
    if (failure) std::rethrow_exception(failure);
  });
}

bool OutlierRun::make_all_medians() {
  std::vector<exchange::SkyPlan const*> skies;
  std::vector<std::size_t> numbers;
  std::int64_t total = 0;
  for (std::size_t p = 0; p < plans_.size(); ++p) {
    if (!plans_[p].is_active() || (is_finished(plans_[p]) && !plans_[p].options.save_medians)) continue;
    skies.push_back(&plans_[p].sky);
    numbers.push_back(p);
    for (auto const& members : plans_[p].sky.block_members) total += !members.empty();
  }
  auto const runs = exchange::divide_blocks(skies, context_.world.size());
  auto const& mine = runs[static_cast<std::size_t>(context_.world.rank())];
  // Communicators of all tasks first, while everyone is here: later each group meets alone, in ascending order.
  std::vector<parallel::Communicator> groups;
  for (std::size_t k = 0; k < skies.size(); ++k) {
    bool const owner = std::any_of(mine.begin(), mine.end(),
                                   [&](exchange::BlockRun const& run) { return run.mosaic == static_cast<int>(k); });
    groups.push_back(context_.world.split(owner ? 1 : -1));
  }
  {
    parallel::Progress progress(context_.world, "outlier_detection: medians", total);
    Stopwatch const watch(outcome_.counts.busy_s);
    for (auto const& run : mine) {
      auto const k = static_cast<std::size_t>(run.mosaic);
      // After a stop request a rank still meets every one of its groups, to say so.
      bool const stop_wanted = context_.control.poll() >= StopRequest::FinishItems;
      if (groups[k].max(std::int64_t{stop_wanted}) > 0) {
        outcome_.stopped = true;
        continue;
      }
      try {
        make_medians_of(numbers[k], groups[k], run, progress);
      } catch (Error const& error) {
        if (error.status() == ExitStatus::InternalError) throw;
        if (groups[k].is_root()) note_failed(numbers[k], error);
      }
    }
    progress.finish();
  }
  share_notes();
  bool const stopped = context_.world.max(std::int64_t{outcome_.stopped}) > 0;
  return !stopped && context_.control.agree() < StopRequest::FinishItems;
}

bool OutlierRun::flag_all() {
  std::vector<Item> items;
  std::vector<double> costs;
  for (std::size_t p = 0; p < plans_.size(); ++p) {
    auto const& plan = plans_[p];
    if (!plan.is_active()) continue;
    for (std::size_t k = 0; k < plan.lost.size(); ++k) {
      auto const& record = plan.record(context_, static_cast<int>(k));
      if (plan.lost[k] || plan.builder->has(record.identity)) continue;
      items.push_back({p, k});
      costs.push_back(static_cast<double>(record.nx * record.ny));
    }
  }
  std::unique_ptr<MedianReader> medians;
  std::size_t open = plans_.size();  // whose medians
  parallel::Progress progress(context_.world, "outlier_detection: flags", static_cast<std::int64_t>(items.size()));
  bool const complete = for_my_items(items, costs, [&](Item const& item) {
    auto& plan = plans_[item.plan];
    auto const position = static_cast<int>(item.index);
    try {
      auto const memory = divide_outlier_memory(context_, plan);
      parallel::MemoryBudget::Reservation const held(context_.budget, "outlier_detection " + plan.task->label(),
                                                     memory.total());
      if (open != item.plan) medians = std::make_unique<MedianReader>(plan);
      open = item.plan;
      auto flags = flag_exposure(context_, plan, position, memory, *medians);
      if (!flags) return;
      plan.builder->add(plan.record(context_, position).identity, std::move(flags->entries));
      flagged_[item.plan] += flags->flagged;
      outcome_.counts.bytes_read += flags->bytes_read;
      ++outcome_.counts.items;
    } catch (Error const& error) {
      if (error.status() == ExitStatus::InternalError) throw;
      note_lost(item.plan, position, error.what(), static_cast<int>(error.status()));
    }
    progress.advance();
  });
  progress.finish();
  notes_.clear();  // what is lost now has no consequences for others
  return complete;
}

void OutlierRun::commit() {
  for (std::size_t p = 0; p < plans_.size(); ++p) {
    auto& plan = plans_[p];
    if (plan.failed) continue;
    if (plan.too_few) {
      parallel::all_or_none(context_.world, [&] {
        if (!context_.world.is_root()) return;
        for (std::size_t k = 0; k < plan.lost.size(); ++k)
          if (!plan.lost[k]) plan.builder->add(plan.record(context_, static_cast<int>(k)).identity, {});
      });
    } else {
      if (plan.options.save_medians) save_medians(plan);
      auto const flagged = context_.world.sum(flagged_[p]);
      if (context_.world.is_root() && flagged > 0)
        log::info("outlier_detection {}: {} pixels of {} exposures flagged", plan.task->label(), flagged,
                  plan.task->members.size());
    }
    plan.builder->commit();
  }
}

void OutlierRun::save_medians(OutlierPlan const& plan) {
  try {
    auto const path = write_median_fits(context_.world, context_, plan);
    if (context_.world.is_root()) log::info("{} is written", path.string());
  } catch (Error const& error) {  // agreed: every rank is here
    if (context_.world.is_root()) log::warn("{}: no file of the medians: {}", plan.task->label(), error.what());
  }
}

StepOutcome run_outlier_detection(StepContext& context, std::vector<BandTask> const& tasks) {
  return OutlierRun(context, tasks).run();
}

}  // namespace tessera::steps
