// Pictures of a mosaic.
#pragma once
#include "tessera/steps/resample/mosaic_plan.hpp"

namespace tessera::steps {

/// Writes <product>_i2d.png and <product>_wht.png beside the product, from the unfinished HDF5, reading it strip by strip
/// and averaging down so that memory stays small. `unit` stands beside the colour bar. One rank.
void write_mosaic_quicklooks(MosaicPlan const& plan, std::string const& unit);

}  // namespace tessera::steps
