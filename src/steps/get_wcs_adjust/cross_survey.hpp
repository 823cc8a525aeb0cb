// Everything that is to be cross-correlated: exposures, their stacks, and a grid a band.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "adjustment_files.hpp"
#include "tessera/sky/comparison_grid.hpp"
#include "tessera/steps/band_task.hpp"
#include "tessera/steps/get_wcs_adjust/get_wcs_adjust_options.hpp"
#include "tessera/steps/step_context.hpp"
#include "tessera/store/item_journal.hpp"

namespace tessera::steps {

struct CrossExposure {
  int task = 0, record = 0;
  sky::CommonGridMember outline;
  sky::CorrectionPlane plane;
  bool failed = false;  ///< known on all ranks once shared
};

/// The dithers of one detector as one image.
struct CrossStack {
  int task = 0;
  std::string name;          ///< "jw02107041001_02105_XXXXX_mirimage"
  std::vector<int> members;  ///< of CrossSurvey::exposures, in catalogue order
  model::PixelBox reach;     ///< of the grid: holds all pixels that the members may reach
};

/// The same on all ranks, but for `failures` and `counts`.
struct CrossSurvey {
  StepContext& context;
  std::vector<BandTask const*> tasks;
  std::vector<GetWcsAdjustOptions> options;  ///< [task]
  std::vector<store::ItemJournal> journals;  ///< [task]
  std::vector<model::SkyGrid> grids;         ///< [task] north up, at the finest pixel scale (spec 40, P7)
  std::vector<CrossExposure> exposures;
  std::vector<CrossStack> stacks;
  std::vector<parallel::Failure> failures;  ///< of this rank
  StepCounts counts;

  store::ExposureRecord const& record(int exposure) const {
    return context.records[static_cast<std::size_t>(exposures[static_cast<std::size_t>(exposure)].record)];
  }
  bool stop_wanted() const { return context.control.poll() >= parallel::StopRequest::FinishItems; }
  std::int64_t free_bytes() const { return context.budget.free() - context.program_bytes; }
  /// Notes that an exposure cannot be used: a failure of this rank. Throws on a bug.
  void lose(int exposure, Error const& error);
  /// Tells all ranks which exposures are lost. Collective.
  void share_lost();
};

/// Looks at every exposure, lays out grids and stacks. Exposures that cannot be opened, and those whose place or pixel
/// scale is far from the rest of their band, are lost. `stopped`: a stop request ended it. Collective.
CrossSurvey make_cross_survey(StepContext& context, std::vector<BandTask const*> const& tasks,
                              std::vector<GetWcsAdjustOptions> const& options, bool& stopped);

/// A value with its number, to be sent.
template <class T>
struct NumberedValue {
  std::int64_t number = 0;
  T value;
};

}  // namespace tessera::steps
