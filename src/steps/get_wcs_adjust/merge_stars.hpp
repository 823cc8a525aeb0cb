// One list of the stars that several images saw.
#pragma once
#include <span>
#include <vector>

#include "tessera/model/star.hpp"

namespace tessera::steps {

/// Stars of the lists that lie within `radius` (arcsec) of the first one of a star are the same star: one of each, at
/// the mean of their positions. In the order of the lists and, in each, of its stars; weight 1.
std::vector<model::Star> merge_stars(std::span<std::vector<model::Star> const> lists, double radius);

}  // namespace tessera::steps
