// Making pixel maps from a WCS and an output grid.
#pragma once
#include "tessera/model/pixel_map.hpp"
#include "tessera/model/sky_grid.hpp"
#include "tessera/sky/wcs.hpp"

namespace tessera::sky {

/// Largest difference to the exact map that a patch may have at its check points, in output pixels.
inline constexpr double PixelMapTolerance = 1e-7;

/// Map of an nx x ny exposure onto `grid` (spec 30, 4.3). Patches without valid pixels stay not finite.
/// Each patch is fitted at Chebyshev nodes, degree 4 first, raised by 2 until the check points between the nodes agree
/// to PixelMapTolerance (at most PixelMap::MaxDegree; then the best is kept and largest_error says how good it is). A
/// patch that the WCS does not reach into entirely is fitted on its valid pixels alone.
model::PixelMap make_pixel_map(Wcs const& exposure, std::int64_t nx, std::int64_t ny, model::SkyGrid const& grid);

/// Largest distance in output pixels between the positions of neighbouring input pixels, looked for at nine places of
/// every patch, with a tenth added for what lies between. 0 where no pixel has a position.
double largest_magnification(model::PixelMap const& map);

/// Box of all input pixels whose centre maps into `target` (edges of its pixels) widened by `margin` output pixels on
/// every side: choose `margin` as far as a drop reaches from its centre. Never too small; too large by a pixel or so
/// where the map is smooth (bounds patch by patch, then row by row). Empty when none do.
model::PixelBox find_input_box(model::PixelMap const& map, model::PixelBox const& target, double margin);

}  // namespace tessera::sky
