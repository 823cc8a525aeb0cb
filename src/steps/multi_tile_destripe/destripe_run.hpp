// A run of multi_tile_destripe on one rank: its tasks, its exposures, and what went wrong.
#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "destripe_task.hpp"

namespace tessera::steps {

/// What went wrong with a task (member -1) or one of its usable members.
struct DestripeTrouble {
  int task = 0, member = -1;
};

/// An exposure of the pool.
struct DestripeItem {
  int task = 0, position = 0;  ///< in BandTask::members
  int member = -1;             ///< its place among the usable ones, once they are known
};

/// Shared by the parts of the step. Functions that return bool: false is a stop request, the same on all ranks.
class DestripeRun {
 public:
  /// Takes up what earlier runs left and deals the exposures out. Collective.
  DestripeRun(StepContext& step_context, std::vector<BandTask> const& band_tasks);

  /// Runs `work`; what it throws is noted as trouble of the item. A bug is no failure of an item.
  template <class Work>
  void guarded(int task, int member, std::string const& item, Work work) {
    auto const begin = std::chrono::steady_clock::now();
    try {
      work();
    } catch (Error const& error) {
      if (error.status() == ExitStatus::InternalError) throw;
      note(item, error);
      troubles_.push_back({task, member});
    }
    outcome.counts.busy_s += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  /// A failure, to be reported at the end.
  void note(std::string const& item, Error const& error);

  /// Tells all ranks what went wrong since the last time, and of a stop request. Everybody has written its files.
  bool agree();
  bool stop_wanted();

  /// Has all ranks see what all have finished, as one rank finds it on disk. Collective.
  void share_journal(DestripeTask& task);

  int index_of(DestripeTask const& task) const { return static_cast<int>(&task - tasks.data()); }

  StepContext& context;
  std::vector<DestripeTask> tasks;
  std::vector<DestripeItem> mine;
  std::vector<parallel::Failure> failures;
  StepOutcome outcome;

 private:
  std::vector<DestripeTrouble> troubles_;  ///< since the last agreement
};

}  // namespace tessera::steps
