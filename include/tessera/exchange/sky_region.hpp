// Where two exposures see the same sky, in pixels of one of them (spec 30, 2.2).
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "tessera/kernels/polygon_fill.hpp"
#include "tessera/sky/wcs.hpp"

namespace tessera::exchange {

/// Outline of an nx x ny image on the sky: the outer corners of its corner pixels, and with `step` [pixels] so many
/// more vertices that none are further apart. The bounding box of the WCS is not applied. Vertices may be NaN where the
/// WCS has no value.
model::SkyPolygon sky_outline(sky::Wcs const& wcs, std::int64_t nx, std::int64_t ny, std::optional<double> step);

/// Pixels of the image with this WCS and outline that lie in the overlap with `other`, the outline of another image.
/// Four corners are joined by great circles; with more vertices the image is what it is, a rectangle of pixels. Empty
/// where they do not overlap, or where the WCS cannot find the overlap in its own image.
std::vector<kernels::PixelRun> overlap_pixels(sky::Wcs const& wcs, std::int64_t nx, std::int64_t ny,
                                              model::SkyPolygon const& outline, model::SkyPolygon const& other);

}  // namespace tessera::exchange
