// The output grid of a mosaic from the footprints of its exposures (spec 30, 4.2).
#pragma once
#include <array>
#include <optional>
#include <span>

#include "tessera/model/sky_grid.hpp"
#include "tessera/sky/footprint.hpp"

namespace tessera::sky {

/// Keywords of the reference exposure (the first of the list).
struct ReferencePointing {
  double ra_ref = 0, dec_ref = 0, roll_ref = 0;  ///< degrees
  double v3yangle = 0;                           ///< V3I_YANG, degrees
  int vparity = -1;
};

/// Wishes of the user, spec 30 4.1. Unset ones are computed.
struct OutputGridOptions {
  std::optional<std::array<std::int64_t, 2>> output_shape = {};  ///< nx, ny
  std::optional<PixelPoint> crpix = {};                          ///< 0-based
  std::optional<SkyPoint> crval = {};
  std::optional<double> rotation = {};     ///< degrees, position angle of the output Y axis, east of north
  double pixel_scale_ratio = 1.0;          ///< output over input
  std::optional<double> pixel_scale = {};  ///< arcsec; overrides the ratio
};

/// Native scale of the reference exposure in degrees (spec 30, 4.2 item 3: geometric mean of two one-pixel steps at the
/// pixel of (ra_ref, dec_ref)).
double native_scale(Wcs const& reference, SkyPoint at);

/// Mean solid angle of a pixel in steradian over the bounding box (spec 30, 4.9).
double mean_pixel_area(Wcs const& wcs, std::int64_t nx, std::int64_t ny);

/// The grid. `native_scale_deg` as above; `mean_area_sr` serves PXSCLRT when pixel_scale is given.
/// Throws InputError when a side is below 2 pixels or a footprint is not finite.
model::SkyGrid make_output_grid(std::span<SkyPolygon const> footprints, ReferencePointing const& reference,
                                double native_scale_deg, double mean_area_sr, OutputGridOptions const& options);

}  // namespace tessera::sky
