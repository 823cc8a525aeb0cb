// The outline of many footprints together, as S_REGION of a mosaic wants it.
#pragma once
#include <string>
#include <vector>

#include "tessera/model/sky_grid.hpp"

namespace tessera::sky {

/// Union of `footprints` clipped to the frame of `grid` (spec 30, 4.10): the outer outlines, largest first, holes left
/// out. Great circles are straight lines in the grid's tangent plane, so the union is taken in its pixels, exact to
/// 2^-16 pixel.
std::vector<model::SkyPolygon> unite_footprints(model::SkyGrid const& grid,
                                                std::vector<model::SkyPolygon> const& footprints);

/// S_REGION text of several polygons: "POLYGON ICRS  ra dec ... POLYGON ICRS  ra dec ...".
std::string format_s_regions(std::vector<model::SkyPolygon> const& polygons);

}  // namespace tessera::sky
