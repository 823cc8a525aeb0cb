#include "align_jobs.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tessera::steps {

namespace {

bool is_listed(AdjustMethod method) { return method != AdjustMethod::CrossCorrelation; }

bool go_together(BandToAlign const& a, BandToAlign const& b) {
  return a.options.method == AdjustMethod::Global && b.options.method == AdjustMethod::Global && a.target == b.target &&
         a.instrument == b.instrument;
}

/// Task of a band of a target; -1: none.
int find_task(std::span<BandToAlign const> bands, std::string const& target, std::string const& band) {
  for (std::size_t t = 0; t < bands.size(); ++t)
    if (bands[t].target == target && bands[t].band == band) return static_cast<int>(t);
  return -1;
}

/// Whether any is in `list`.
bool holds(std::vector<std::size_t> const& list, std::size_t task) {
  return std::find(list.begin(), list.end(), task) != list.end();
}

/// Why a reference cannot be used; empty: it can.
std::string reference_problem(std::span<BandToAlign const> bands, std::vector<std::string> const& problems,
                              std::string const& target, std::string const& reference) {
  int const task = find_task(bands, target, reference);
  if (task < 0) return fmt::format("its reference band {} has no exposures", reference);
  auto const index = static_cast<std::size_t>(task);
  if (!is_listed(bands[index].options.method))
    return fmt::format("its reference band {} is cross-correlated: it has no stars", reference);
  if (!problems[index].empty()) return fmt::format("its reference band {} is not aligned", reference);
  return "";
}

}  // namespace

bool JobPlan::is_reference(std::size_t task) const {
  return std::any_of(jobs.begin(), jobs.end(), [&](AlignJob const& job) { return holds(job.references, task); });
}

JobPlan plan_jobs(std::span<BandToAlign const> bands, std::vector<std::string> failed) {
  JobPlan plan;
  plan.problems = std::move(failed);
  plan.problems.resize(bands.size());
  // A band falls with its reference, and that may be the reference of others.
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t t = 0; t < bands.size(); ++t) {
      auto const& reference = bands[t].options.reference_band;
      if (reference.empty() || !plan.problems[t].empty()) continue;
      plan.problems[t] = reference_problem(bands, plan.problems, bands[t].target, reference);
      changed = changed || !plan.problems[t].empty();
    }
  }
  for (std::size_t t = 0; t < bands.size(); ++t) {
    if (!is_listed(bands[t].options.method) || !plan.problems[t].empty()) continue;
    auto const same = std::find_if(plan.jobs.begin(), plan.jobs.end(), [&](AlignJob const& job) {
      return go_together(bands[job.tasks.front()], bands[t]);
    });
    if (same != plan.jobs.end())
      same->tasks.push_back(t);
    else
      plan.jobs.push_back({{t}, {}, -1});
  }
  for (auto& job : plan.jobs)
    for (auto const t : job.tasks) {
      auto const& reference = bands[t].options.reference_band;
      if (reference.empty()) continue;
      auto const task = static_cast<std::size_t>(find_task(bands, bands[t].target, reference));
      if (!holds(job.tasks, task) && !holds(job.references, task)) job.references.push_back(task);
    }
  auto const level_of_task = [&](std::size_t task) {
    auto const job =
        std::find_if(plan.jobs.begin(), plan.jobs.end(), [&](AlignJob const& one) { return holds(one.tasks, task); });
    return job->level;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (auto& job : plan.jobs) {
      if (job.level >= 0) continue;
      int level = 0;
      bool known = true;
      for (auto const task : job.references) {
        known = known && level_of_task(task) >= 0;
        level = std::max(level, level_of_task(task) + 1);
      }
      if (!known) continue;
      job.level = level;
      plan.levels = std::max(plan.levels, level + 1);
      changed = true;
    }
  }
  for (auto const& job : plan.jobs)
    if (job.level < 0)
      for (auto const t : job.tasks)
        plan.problems[t] =
            "its reference bands refer to each other, since method global takes the bands of an "
            "instrument together";
  std::erase_if(plan.jobs, [](AlignJob const& job) { return job.level < 0; });
  return plan;
}

}  // namespace tessera::steps
