// Steps whose entries are made exposure by exposure: one pool over all tasks.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "tessera/steps/band_task.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::steps {

/// One exposure of one task.
struct ExposureItem {
  std::size_t task = 0;
  int member = 0;  ///< index in StepContext::records
};

/// Makes the ledger entries of one exposure. Independent; throws Error where it cannot.
using MakeEntries = std::function<std::vector<model::LedgerEntry>(ExposureItem const& item, StepCounts& counts)>;

/// Runs `make` for every member of every task that has no entries in the journal yet, divided over the ranks by `cost`
/// (which may be empty: all alike), and commits each task. Exposures that fail are in the outcome, the others are
/// committed; tasks of `failed` (one Failure a task that cannot be done at all, the same on all ranks; "" in `message`:
/// none) are left alone and reported. Collective.
StepOutcome run_by_exposure(StepContext& context, std::vector<BandTask> const& tasks,
                            std::vector<parallel::Failure> const& failed,
                            std::function<double(ExposureItem const&)> const& cost, MakeEntries const& make);

}  // namespace tessera::steps
