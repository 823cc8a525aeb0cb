// How many separate pieces a set of footprints forms.
#pragma once
#include <vector>

#include "tessera/model/sky_grid.hpp"

namespace tessera::sky {

/// Number of sets of footprints that do not overlap each other, directly or through others. Pairs whose bounding
/// circles are apart are not looked at closely; pairs that are joined already are not looked at at all.
int count_islands(std::vector<model::SkyPolygon> const& footprints);

}  // namespace tessera::sky
