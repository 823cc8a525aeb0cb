// Pictures of a mosaic.
#pragma once
#include "tessera/parallel/communicator.hpp"
#include "tessera/steps/resample/mosaic_plan.hpp"

namespace tessera::steps {

/// Pictures of SCI and WHT: the name of the FITS product with "_sci.png" and "_wht.png" for ".fits".
std::vector<std::filesystem::path> quicklook_paths(MosaicPlan const& plan);

/// Writes the pictures beside the product, from the unfinished HDF5, read strip by strip and averaged down so that
/// memory stays small. `unit` stands beside the colour bar. Collective: the ranks of `group` share the rows, two of
/// them write.
void write_mosaic_quicklooks(parallel::Communicator const& group, MosaicPlan const& plan, std::string const& unit);

}  // namespace tessera::steps
