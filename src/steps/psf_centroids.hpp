// Star lists with centres from an effective PSF that is measured from the exposures themselves: `centroid = "epsf"`.
#pragma once
#include <vector>

#include "align_images.hpp"

namespace tessera::steps {

/// A way of listing stars, and whether a stop request came while it was prepared.
struct PsfCentroids {
  ListStars list;
  std::vector<std::string> variants;  ///< [task] which exposures the PSFs are of: for collect_align_images
  bool stopped = false;
};

/// Whether the stars of a task are to be fitted.
struct PsfWanted {
  bool is_wanted = false;
  double kernel_fwhm = 0;  ///< pixels, of the finder: how wide stars of plain images are taken to be
};

/// Prepares star lists whose centres are fitted, for the tasks that are `wanted` (one for each task): lists the stars
/// of their exposures by `find`, measures one PSF for each detector of a task (for each exposure of plain images) from
/// stamps of them, and answers with a `list` for collect_align_images that finds and then fits. For the other tasks
/// `list` is `find`. Where a PSF cannot be measured (fewer than 20 good stars, or stars in too few parts of the pixel)
/// `list` leaves the finder's centres, and a warning says so.
///
/// Stars found, stamps and PSFs are journaled in BandTask::scratch under the key of the task: a kill loses only what is
/// in flight, and no exposure is searched twice. An exposure that cannot be read, also not when tried once more, is
/// left out here, and `list` throws for it: what it lists belongs to PSFs of all that are listed. Collective; `list`
/// itself is independent, and takes elements of `tasks`. `context`, `tasks`, and what `find` refers to must live as
/// long as `list`.
PsfCentroids centre_by_psf(StepContext& context, std::vector<BandTask> const& tasks,
                           std::vector<PsfWanted> const& wanted, ListStars const& find, StepCounts& counts);

}  // namespace tessera::steps
