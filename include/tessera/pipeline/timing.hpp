// Time, memory, bytes and imbalance of every step: a table for people, JSON for programs.
#pragma once
#include <string>
#include <vector>

#include "tessera/parallel/communicator.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::pipeline {

/// One row: a step over all ranks.
struct StepTiming {
  std::string step;
  double wall_s = 0;  ///< longest over ranks
  double busy_mean_s = 0, busy_max_s = 0;
  std::int64_t items = 0, bytes_read = 0, bytes_written = 0;
  std::int64_t peak_memory = 0;  ///< largest resident set of a rank so far
  double imbalance = 1;          ///< largest busy time over mean busy time
};

/// Gathers one row. Collective; the result is on all ranks.
StepTiming gather_timing(parallel::Communicator const& communicator, std::string const& step, double wall_s,
                         steps::StepCounts const& counts);

std::string timing_table(std::vector<StepTiming> const& rows);
std::string timing_json(std::vector<StepTiming> const& rows, int ranks, int threads);

}  // namespace tessera::pipeline
