// All exposures of all tasks of level_match, what is known of them, and what has been found for them so far.
#pragma once
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tessera/sky/comparison_grid.hpp"
#include "tessera/steps/band_task.hpp"
#include "tessera/steps/ledger_builder.hpp"
#include "tessera/steps/level_match/level_match_options.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::steps {

/// Where an exposure lies: read from its headers by one rank and sent to all.
struct ExposurePlace {
  sky::CommonGridMember outline;
  int wcs_version = 0;                                         ///< WCS corrections that the exposure has
  double off_days = std::numeric_limits<double>::quiet_NaN();  ///< DT_BGR: days to the off exposures; NaN: none
};

/// What one stage takes off an exposure.
struct StageCorrection {
  MatchStage stage = MatchStage::Dithers;
  kernels::GridPlane plane;  ///< without slopes, only the level counts
  double local = 0;          ///< local median of the dither group, taken off besides
  bool with_slope = false;
  int grid = -1;  ///< in MatchPool::grids; -1 without slope
};

struct PoolExposure {
  int task = 0;
  int record = 0;  ///< in StepContext::records
  ExposurePlace place;
  /// The image that it is a part of: its own at first, then that of all exposures that a stage has connected it with.
  std::string image;
  bool failed = false;  ///< known on all ranks
  std::vector<StageCorrection> corrections;
};

/// The same on all ranks, but for `failures`.
struct MatchPool {
  StepContext& context;
  std::vector<BandTask> const& tasks;
  std::vector<LevelMatchOptions> options;                ///< [task]
  std::vector<std::unique_ptr<LedgerBuilder>> builders;  ///< [task]
  std::vector<PoolExposure> exposures;                   ///< task by task, members in their order
  std::vector<model::SkyGrid> grids;                     ///< of the planes found
  std::vector<parallel::Failure> failures;               ///< of this rank
  StepCounts counts;

  store::ExposureRecord const& record(int exposure) const {
    return context.records[static_cast<std::size_t>(exposures[static_cast<std::size_t>(exposure)].record)];
  }
  /// True where a stop was asked for: leave the loop over items.
  bool stop_wanted() const { return context.control.poll() >= parallel::StopRequest::FinishItems; }
  /// Bytes that the arrays of this step may take now.
  std::int64_t free_bytes() const { return context.budget.free() - context.program_bytes; }
};

/// Exposures that failed on this rank during some pooled work, with the reason.
class LostExposures {
 public:
  explicit LostExposures(MatchPool& pool) : pool_(pool) {}
  bool has(int exposure) const {
    return pool_.exposures[static_cast<std::size_t>(exposure)].failed || lost_.contains(exposure);
  }
  /// Notes the failure, once.
  void add(int exposure, Error const& error);
  /// Tells all ranks, which mark the exposures as failed. Collective.
  void share();

 private:
  MatchPool& pool_;
  std::set<int> lost_;
};

/// Looks at the headers of every exposure, each by one rank; what cannot be opened or has no place on the sky is
/// failed. Collective.
void find_places(MatchPool& pool);

}  // namespace tessera::steps
