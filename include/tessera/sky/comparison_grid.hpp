// The grid on which the exposures of a set are compared (spec 40, P7).
#pragma once
#include <array>
#include <optional>
#include <span>

#include "tessera/sky/wcs.hpp"

namespace tessera::sky {

/// What the grid needs to know of one image: the same for all ranks once gathered.
struct CommonGridMember {
  std::array<SkyPoint, 4> corners;  ///< outer pixel edges: (-0.5, -0.5), (nx - 0.5, -0.5), ...
  SkyPoint reference;               ///< sky position of CRPIX (the array centre where there is none)
  double scale_deg = 0;             ///< the smaller of the two pixel sides at the reference
};

CommonGridMember make_common_grid_member(Wcs const& wcs, std::int64_t nx, std::int64_t ny,
                                         std::optional<PixelPoint> crpix);

/// TAN, ICRS, CDELT (-s, s) with the smallest scale s of the members; the reference point is the normalised mean of
/// theirs. With `auto_rotate` turned to the smallest rectangle that encloses all corners, else north up. Members whose
/// positions are not finite, or further than 80 degrees from the reference, are InputError.
model::SkyGrid make_common_grid(std::span<CommonGridMember const> members, bool auto_rotate);

/// Where a grid is centred for planes: (nx / 2, ny / 2), whole numbers (spec 40, P7 "ref pixel").
PixelPoint grid_reference_pixel(model::SkyGrid const& grid);

}  // namespace tessera::sky
