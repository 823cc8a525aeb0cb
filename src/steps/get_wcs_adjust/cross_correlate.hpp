// Shifts of bands without stars, from the stacks of their dither groups (spec 40, 1.7, cross_corr).
#pragma once
#include <string>
#include <vector>

#include "adjustment_files.hpp"
#include "tessera/kernels/image_shift.hpp"
#include "tessera/steps/band_task.hpp"
#include "tessera/steps/get_wcs_adjust/get_wcs_adjust_options.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::steps {

enum class StackStatus { NoData, NoOverlap, NotMeasured, Reference, Matched };

/// How one stack came out.
struct StackShift {
  std::string stack, reference;  ///< names; the reference it was matched to
  StackStatus status = StackStatus::NoOverlap;
  std::int64_t pixels = 0;               ///< in common with the reference
  std::array<double, 2> shift{0, 0};     ///< arcsec east and north, to be added to its positions
  std::array<double, 2> error{0, 0};     ///< along the chain of references
  std::array<double, 2> measured{0, 0};  ///< arcsec, against the reference alone
  kernels::ImageShift match;             ///< as it was measured, pixels of the grid
};

struct CrossBand {
  std::vector<StackShift> stacks;           ///< in the order of the first exposure of each
  std::vector<MeasuredExposure> exposures;  ///< of the stacks that are references or matched
  int groups = 0;                           ///< of neighbours: each has a reference of its own
};

struct CrossOutcome {
  std::vector<CrossBand> bands;             ///< [task], the same on all ranks
  std::vector<parallel::Failure> failures;  ///< of this rank
  StepCounts counts;
  bool stopped = false;  ///< the same on all ranks
};

/// Stacks and pairs of all tasks are one pool each; what is finished is journaled in BandTask::scratch. Collective.
CrossOutcome cross_correlate(StepContext& context, std::vector<BandTask const*> const& tasks,
                             std::vector<GetWcsAdjustOptions> const& options);

/// stack,status,reference,... (columns: docs/steps/get_wcs_adjust.md).
std::string stack_table(CrossBand const& band);

/// "", "no overlap with any other stack", ...: why a stack has no shift.
std::string reason_of(StackShift const& stack);

}  // namespace tessera::steps
