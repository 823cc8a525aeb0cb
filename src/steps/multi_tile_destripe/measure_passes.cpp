#include "measure_passes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "joint_run.hpp"
#include "measure_exposure.hpp"
#include "smooth_average.hpp"
#include "stack_average.hpp"
#include "tessera/core/log.hpp"
#include "tessera/parallel/progress.hpp"

namespace tessera::steps {

namespace {

AverageNames names(DestripePass const& pass) {
  return {"average_" + pass.name(), "smooth_" + pass.name(), "mask_" + pass.name()};
}

std::vector<std::int64_t> reached_blocks(exchange::SkyPlan const& plan, exchange::BlockRun const& run) {
  std::vector<std::int64_t> blocks;
  for (auto k = run.begin; k < run.end; ++k)
    if (!plan.block_members[static_cast<std::size_t>(plan.order[k])].empty()) blocks.push_back(plan.order[k]);
  return blocks;
}

bool is_measured(DestripeRun const& run, DestripeTask const& task, DestripePass const& pass) {
  for (std::size_t k = 0; k < task.members.size(); ++k)
    if (!task.lost[k] && !task.builder->journal().has(profile_item(task, pass, task.record(run.context, k).identity)))
      return false;
  return true;
}

bool stack(DestripeRun& run, std::vector<DestripeTask*> const& todo, DestripePass const& pass) {
  std::vector<exchange::SkyPlan const*> plans;
  std::int64_t reached = 0;
  for (auto* task : todo) {
    plans.push_back(&task->plan);
    task->owners.assign(1, BlockOwners(task->plan.grid.blocks()));
  }
  auto const runs = exchange::divide_blocks(plans, run.context.world.size());
  for (std::size_t rank = 0; rank < runs.size(); ++rank)
    for (auto const& part : runs[rank])
      for (auto const block : reached_blocks(*plans[static_cast<std::size_t>(part.mosaic)], part)) {
        todo[static_cast<std::size_t>(part.mosaic)]->owners.front().give(block, static_cast<int>(rank));
        ++reached;
      }
  parallel::Progress progress(run.context.world, fmt::format("multi_tile_destripe {}: average", pass.name()), reached);
  for (auto const& part : runs[static_cast<std::size_t>(run.context.world.rank())]) {
    auto& task = *todo[static_cast<std::size_t>(part.mosaic)];
    run.guarded(run.index_of(task), -1, task.task->label(), [&] {
      BlockImageWriter writer(task.task->scratch, names(pass).average, task.owners.front(), run.context.world.rank());
      auto const blocks = reached_blocks(task.plan, part);
      stack_average(run.context, task, pass, blocks, writer, progress, run.outcome.counts);
      writer.close();
    });
    if (run.stop_wanted()) break;
  }
  progress.finish();
  return run.agree();
}

/// The smooth averages and the masks of structure.
bool smooth(DestripeRun& run, std::vector<DestripeTask*> const& todo, DestripePass const& pass,
            std::vector<std::unique_ptr<AverageSmoother>>& smoothers) {
  auto const each = [&](auto work) {
    for (std::size_t k = 0; k < todo.size(); ++k)
      if (!todo[k]->failed && !run.stop_wanted())
        run.guarded(run.index_of(*todo[k]), -1, todo[k]->task->label(), [&] { work(*smoothers[k]); });
    return run.agree();
  };
  for (auto* task : todo) smoothers.push_back(std::make_unique<AverageSmoother>(run.context, *task, names(pass)));
  if (!each([](AverageSmoother& smoother) { smoother.smooth(); })) return false;
  if (!each([](AverageSmoother& smoother) {
        if (smoother.needs_second_axis()) smoother.smooth_second_axis();
      }))
    return false;
  // One communicator a task, in the same order on all ranks; no stop in between, or some would wait for others.
  for (std::size_t k = 0; k < todo.size(); ++k) {
    bool const takes_part = !todo[k]->failed && smoothers[k]->has_mask_strips();
    auto const group = run.context.world.split(takes_part ? 1 : -1);
    if (takes_part)
      run.guarded(run.index_of(*todo[k]), -1, todo[k]->task->label(), [&] { smoothers[k]->make_mask(group); });
  }
  return run.agree();
}

bool measure(DestripeRun& run, std::vector<DestripeTask*> const& todo, DestripePass const& pass,
             std::vector<std::unique_ptr<AverageSmoother>> const& smoothers) {
  std::int64_t total = 0;
  for (auto const* task : todo) total += static_cast<std::int64_t>(task->members.size());
  parallel::Progress progress(run.context.world, fmt::format("multi_tile_destripe {}: stripes", pass.name()), total);
  for (std::size_t k = 0; k < todo.size(); ++k) {
    auto& task = *todo[k];
    auto const where = task.task->scratch;
    auto const name = names(pass);
    BlockImageReader const average(where, name.average, task.owners.front());
    std::optional<BlockImageReader> smooth_image, mask;
    if (pass.is_large_scale) {
      smooth_image.emplace(where, name.smooth, smoothers[k]->smooth_owners());
      mask.emplace(where, name.mask, smoothers[k]->mask_owners());
    }
    AverageImages const images{&average, smooth_image ? &*smooth_image : nullptr, mask ? &*mask : nullptr};
    for (auto const& item : run.mine) {
      if (item.task != run.index_of(task) || task.failed) continue;
      if (run.stop_wanted()) break;
      progress.advance();
      auto const member = static_cast<std::size_t>(item.member);
      auto const& record = task.record(run.context, member);
      auto const journal_item = profile_item(task, pass, record.identity);
      if (task.lost[member] || task.builder->journal().has(journal_item)) continue;
      run.guarded(item.task, item.member, record.identity.label(), [&] {
        parallel::MemoryBudget::Reservation const held(run.context.budget, "stripes of " + record.path,
                                                       measure_bytes(record, pass.is_large_scale));
        auto const measured = measure_exposure(run.context, task, member, pass, images);
        run.outcome.counts.bytes_read += measured.bytes_read;
        ++run.outcome.counts.items;
        task.builder->journal().append(journal_item, pack_profile(measured.profile, measured.largest_in_sigma));
      });
    }
  }
  progress.finish();
  return run.agree();
}

/// Each rank removes what it wrote.
void remove_images(DestripeRun const& run, std::vector<DestripeTask*> const& todo, DestripePass const& pass) {
  auto const name = names(pass);
  for (auto const* task : todo)
    for (auto const& image : {name.average, name.smooth, name.smooth + "_columns", name.mask}) {
      std::error_code ignored;
      std::filesystem::remove(block_image_path(task->task->scratch, image, run.context.world.rank()), ignored);
    }
}

/// Which tasks' stripes were all small in this iteration: told by the owners of the exposures.
bool find_converged(DestripeRun& run, DestripePass const& pass, std::vector<bool>& converged) {
  for (auto& task : run.tasks)
    if (task.wants_pass) task.iterations_done = pass.iteration + 1;
  for (std::size_t t = 0; t < run.tasks.size(); ++t) {
    auto const& task = run.tasks[t];
    if (!task.wants_pass || !task.options.converge) continue;
    double largest = 0;
    parallel::all_or_none(run.context.world, [&] {
      for (auto const& item : run.mine) {
        auto const member = static_cast<std::size_t>(item.member);
        if (item.task != static_cast<int>(t) || task.failed || task.lost[member]) continue;
        double in_sigma = 0;
        load_profile(task, pass, task.record(run.context, member).identity, in_sigma);
        largest = std::max(largest, in_sigma);
      }
    });
    largest = run.context.world.max(largest);
    converged[t] = largest < task.options.convergence_sigma;
    if (!run.context.world.is_root() || task.failed) continue;
    log::info("{}: iteration {}: the largest stripe is {:.3g} times ERR", task.task->label(), pass.iteration + 1,
              largest);
    if (!converged[t] && pass.iteration + 1 == task.options.most_iterations)
      log::warn("{}: stripes have not become smaller than {} ERR in {} iterations", task.task->label(),
                task.options.convergence_sigma, task.options.most_iterations);
  }
  return run.agree();
}

/// One pass over all tasks that want it: the average by sky, then the stripes by exposure.
bool measure_pass(DestripeRun& run, DestripePass const& pass, std::vector<bool>& converged) {
  std::vector<DestripeTask*> todo;
  for (auto& task : run.tasks) {
    if (!task.wants_pass) continue;
    run.share_journal(task);
    note_lost_before(task, pass);
    if (!is_measured(run, task, pass)) todo.push_back(&task);
  }
  if (!pass.is_large_scale) {
    for (auto* task : todo)
      if (task->options.joint && !measure_jointly(run, *task)) return false;
    std::erase_if(todo, [](auto const* task) { return task->options.joint; });
  }
  if (!todo.empty()) {
    if (!stack(run, todo, pass)) return false;
    std::vector<std::unique_ptr<AverageSmoother>> smoothers;
    if (pass.is_large_scale && !smooth(run, todo, pass, smoothers)) return false;
    if (!measure(run, todo, pass, smoothers)) return false;
    for (auto* task : todo)
      if (!task->failed) run.share_journal(*task);
    remove_images(run, todo, pass);
  }
  if (!pass.is_large_scale) return find_converged(run, pass, converged);
  return true;
}

}  // namespace

bool measure_passes(DestripeRun& run) {
  int iterations = 1;
  for (auto const& task : run.tasks)
    if (task.options.converge) iterations = std::max(iterations, task.options.most_iterations);
  std::vector<bool> converged(run.tasks.size(), false);
  for (int k = 0; k < iterations; ++k) {
    for (std::size_t t = 0; t < run.tasks.size(); ++t) {
      auto& task = run.tasks[t];
      bool const repeats = task.options.converge && k < task.options.most_iterations && !converged[t];
      task.wants_pass = is_active(task) && (k == 0 || repeats);
    }
    if (!measure_pass(run, {false, k}, converged)) return false;
  }
  for (auto& task : run.tasks) task.wants_pass = is_active(task) && task.options.large_scale;
  return measure_pass(run, {true, 0}, converged);
}

}  // namespace tessera::steps
