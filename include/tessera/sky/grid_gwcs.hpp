// An output grid as a gwcs, for the ASDF extension of a mosaic.
#pragma once
#include <memory>

#include "tessera/model/sky_grid.hpp"
#include "tessera/sky/gwcs.hpp"

namespace tessera::sky {

/// detector -> world: shift by crpix, PC matrix, CDELT, gnomonic, rotation to the sky; the node structure of the
/// reference's mosaics, with the grid's bounding box.
std::shared_ptr<Gwcs const> make_grid_gwcs(model::SkyGrid const& grid);

}  // namespace tessera::sky
