// Which bands are aligned together, and in which order: each after the bands that it is matched to.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "tessera/config/bands.hpp"
#include "tessera/steps/get_wcs_adjust/get_wcs_adjust_options.hpp"

namespace tessera::steps {

/// What the order depends on.
struct BandToAlign {
  std::string target, band;
  config::Instrument instrument = config::Instrument::Nircam;
  GetWcsAdjustOptions options;
};

/// Bands that are aligned at once by one rank: one, or with method global all of a target and instrument.
struct AlignJob {
  std::vector<std::size_t> tasks;
  std::vector<std::size_t> references;  ///< tasks of other jobs, whose corrected stars these are matched to
  int level = 0;                        ///< jobs of a level need nothing but jobs of lower levels
};

struct JobPlan {
  std::vector<AlignJob> jobs;         ///< in the order of their first band; without those that have a problem
  std::vector<std::string> problems;  ///< [task] why it cannot be aligned; empty: it can. Not of cross_corr
  int levels = 0;
  /// Whether some job needs the corrected stars of a task.
  bool is_reference(std::size_t task) const;
};

/// `failed` [task]: those that are known not to work, with the reason.
JobPlan plan_jobs(std::span<BandToAlign const> bands, std::vector<std::string> failed);

}  // namespace tessera::steps
