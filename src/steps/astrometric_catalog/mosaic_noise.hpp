// Background and noise of a mosaic, measured by the ranks of a group together (spec 40, 1.13).
#pragma once
#include "../mosaic_image.hpp"
#include "tessera/parallel/memory_budget.hpp"
#include "tessera/parallel/pool.hpp"
#include "tessera/steps/astrometric_catalog/astrometric_catalog_options.hpp"

namespace tessera::steps {

struct MosaicNoise {
  double median = 0, rms = 0;  ///< unit of the mosaic; NaN: no pixel has data
  std::int64_t pixels = 0;     ///< that they were measured on
};

/// `rows`: the rows of blocks of this rank. The same answer for any division. Errors of reading are agreed. Collective
/// over `group`.
MosaicNoise measure_noise(parallel::Communicator const& group, MosaicImage const& image, parallel::ItemRange rows,
                          MosaicNoiseMethod method, parallel::MemoryBudget& budget);

}  // namespace tessera::steps
