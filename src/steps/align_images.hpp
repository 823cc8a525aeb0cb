// Images with their star lists, made exposure by exposure over all ranks, and brought to the rank that aligns them.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tessera/exchange/alignment.hpp"
#include "tessera/steps/band_task.hpp"
#include "tessera/steps/step_context.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::steps {

/// Lists the stars of one exposure: by a finder, from a user's catalogue, after a filter. Independent; throws Error.
using ListStars = std::function<std::vector<model::Star>(store::ExposureReader const& reader, BandTask const& task)>;
/// Name of the group that an exposure moves with.
using GroupOf = std::function<std::string(store::ExposureRecord const& record, BandTask const& task)>;

/// Images of the tasks that this rank is to align.
struct CollectedImages {
  /// [task][image]: empty on all ranks but aligner_of(task); in catalogue order, without exposures that failed.
  std::vector<std::vector<exchange::AlignImage>> images;
  std::vector<std::vector<int>> wcs_versions;  ///< [task][image]: WCS corrections before this one, for LedgerEntry
  std::vector<std::vector<int>> members;       ///< [task][image]: index of its record in StepContext::records
  std::vector<std::unique_ptr<parallel::MemoryBudget::Reservation>> memory;  ///< of the star lists, while this lives
  std::vector<parallel::Failure> failures;  ///< exposures that could not be read, agreed
  bool stopped = false;
};

/// The rank that aligns a task.
inline int aligner_of(std::size_t task, int ranks) { return static_cast<int>(task % static_cast<std::size_t>(ranks)); }

/// Star lists are journaled in BandTask::scratch (a kill loses only the exposures in flight) under the key of their
/// task, divided over the ranks by pixels, and read by the aligner in catalogue order. Stars without ra and dec get
/// them from the WCS; stars without a position, and those not strictly inside the bounding box, are left out. A failed
/// exposure is left out. `variants` [task], or none: what the lists depend on beyond the key; lists of another variant
/// do not count. The step removes BandTask::scratch when it commits (LedgerBuilder::commit does). Collective.
CollectedImages collect_align_images(StepContext& context, std::vector<BandTask> const& tasks, ListStars const& list,
                                     GroupOf const& group_of, StepCounts& counts,
                                     std::vector<std::string> const& variants = {});

}  // namespace tessera::steps
