// Footprints on the sky and how they overlap.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tessera/model/sky_grid.hpp"
#include "tessera/sky/wcs.hpp"

namespace tessera::sky {

using model::SkyPolygon;

/// Corners of the bounding box at pixel edges, order (x0,y0), (x0,y1), (x1,y1), (x1,y0), evaluated raw (spec 20, 3.7).
SkyPolygon footprint(Wcs const& wcs, std::int64_t nx, std::int64_t ny);

/// "POLYGON ICRS  ra dec ..." with nine decimals, ra in [0, 360). nullopt when a vertex is NaN.
std::optional<std::string> format_s_region(SkyPolygon const& polygon);
/// Every polygon in an S_REGION text (spec 30, 4.10: several allowed). Throws InputError on other shapes or frames.
std::vector<SkyPolygon> parse_s_region(std::string const& text);

/// Area in steradian.
double polygon_area(SkyPolygon const& polygon);
/// Intersection of two convex polygons smaller than a hemisphere (clipped in a common gnomonic plane); empty if none.
SkyPolygon intersect(SkyPolygon const& a, SkyPolygon const& b);
bool overlaps(SkyPolygon const& a, SkyPolygon const& b);

}  // namespace tessera::sky
