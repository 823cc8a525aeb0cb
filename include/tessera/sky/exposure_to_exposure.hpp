// From the pixels of one exposure to those of another that sees the same sky.
#pragma once
#include "tessera/model/pixel_map.hpp"
#include "tessera/sky/wcs.hpp"

namespace tessera::sky {

/// Where the pixels `part` of one exposure lie in another one of nx x ny pixels: pixel (x, y) of the map is pixel
/// (part.x0 + x, part.y0 + y). Fitted as in make_pixel_map, to PixelMapTolerance in pixels of the other; patches of the
/// map that lie wholly more than 16 pixels outside of it have no positions. `from` may also be the WCS of a grid.
model::PixelMap map_exposure_to_exposure(Wcs const& from, model::PixelBox const& part, Wcs const& to, std::int64_t nx,
                                         std::int64_t ny);

}  // namespace tessera::sky
