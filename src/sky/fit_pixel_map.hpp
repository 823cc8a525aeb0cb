// Fitting the patches of a pixel map to exact positions, in either direction.
#pragma once
#include <functional>
#include <optional>
#include <vector>

#include "tessera/model/pixel_map.hpp"

namespace tessera::sky {

/// Replaces positions (x, y), both of one length, by those they map to; NaN where there is none.
using ExactPositions = std::function<void(std::vector<double>& x, std::vector<double>& y)>;

/// Fits all patches of `map`, whose nx, ny and valid are given, and sets largest_error.
/// Each patch is fitted at Chebyshev nodes, degree 4 first, raised by 2 until the check points between the nodes agree
/// to PixelMapTolerance (at most PixelMap::MaxDegree; then the best is kept). A patch with places that have no value
/// is fitted on its valid pixels alone. With `wanted`, patches that map clear of that box are left without positions.
void fit_pixel_map(model::PixelMap& map, ExactPositions const& exact, std::optional<model::PixelBox> wanted);

}  // namespace tessera::sky
