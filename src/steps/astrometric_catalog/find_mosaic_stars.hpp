// The stars of one mosaic, found by the ranks of a group together.
#pragma once
#include "star_files.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::steps {

/// On the root of the group all stars, in row-major order of their peaks, or brightest first where `brightest` is set;
/// elsewhere those of the own rows. Errors are agreed. Collective over `group`.
MosaicStars find_mosaic_stars(parallel::Communicator const& group, MosaicImage const& image,
                              AstrometricCatalogOptions const& options, std::string const& label,
                              parallel::MemoryBudget& budget);

}  // namespace tessera::steps
