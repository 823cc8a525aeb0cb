// From the pixels of a grid back to those of an exposure (spec 40, P8).
#pragma once
#include "tessera/model/pixel_map.hpp"
#include "tessera/model/sky_grid.hpp"
#include "tessera/sky/wcs.hpp"

namespace tessera::sky {

/// The part of a grid that an exposure covers, and where each of its pixels lies in the exposure.
struct GridToExposure {
  /// Pixels of the grid: eleven points an edge of the exposure's outline (the pixel edges of the array), floor(min +
  /// 0.5) to ceil(max + 0.5), cut to the grid. Empty: no overlap, and no map.
  model::PixelBox box;
  /// Map of box.width() x box.height() "input" pixels: pixel (x, y) of it is pixel (box.x0 + x, box.y0 + y) of the
  /// grid; positions are pixels of the exposure, 0-based, also some way outside of it: patches of the map whose
  /// positions all lie more than 16 pixels outside have none (NaN).
  model::PixelMap map;
};

/// Patches are fitted as in make_pixel_map, to PixelMapTolerance in exposure pixels, to the exact inverse of the WCS
/// (exact_sky_to_pixel). An outline with points that have no position on the grid counts as no overlap.
GridToExposure map_grid_to_exposure(Wcs const& exposure, std::int64_t nx, std::int64_t ny, model::SkyGrid const& grid);

}  // namespace tessera::sky
