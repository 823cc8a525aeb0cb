// What every step is given to work with.
#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tessera/parallel/communicator.hpp"
#include "tessera/parallel/control.hpp"
#include "tessera/parallel/memory_budget.hpp"
#include "tessera/store/exposure_record.hpp"
#include "tessera/store/ledger.hpp"

namespace tessera::steps {

/// What a step did on this rank, for the table a step (time, memory, bytes, imbalance).
struct StepCounts {
  std::int64_t items = 0;  ///< blocks, pairs or exposures finished
  std::int64_t bytes_read = 0;
  std::int64_t bytes_written = 0;
  double busy_s = 0;  ///< seconds of work, without waiting for others
};

/// Everything a step may use. One for the run; lives longer than any step.
struct StepContext {
  parallel::Communicator world;
  parallel::ControlChannel& control;
  parallel::MemoryBudget& budget;
  std::vector<store::ExposureRecord> const& records;  ///< the inventory, the same on all ranks
  std::int64_t program_bytes = 0;                     ///< what a rank held when the plan was made: not for steps to use
  /// Ledger of a (target, band); empty where no step has written one.
  std::function<store::Ledger(std::string const& target, std::string const& band)> ledger;
  bool stop_on_error = false;  ///< --on-error stop
};

/// How a step ended on all ranks.
struct StepOutcome {
  std::vector<parallel::Failure> failures;  ///< agreed: the same on all ranks
  bool stopped = false;                     ///< a stop request ended it early: resumable
  StepCounts counts;                        ///< of this rank
};

}  // namespace tessera::steps
