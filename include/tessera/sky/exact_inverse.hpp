// The inverse of a WCS as exact as its forward direction.
#pragma once
#include <span>

#include "tessera/sky/wcs.hpp"

namespace tessera::sky {

/// Pixels whose pixel_to_sky is (ra, dec), to about 1e-8 pixel. Wcs::sky_to_pixel is what the file says, and the
/// inverse polynomials of an instrument model can be a quarter of a pixel off: here its answer is only where Newton's
/// method on the forward direction starts. Where that does not converge the answer of sky_to_pixel stands. All spans
/// have one length.
void exact_sky_to_pixel(Wcs const& wcs, std::span<double const> ra, std::span<double const> dec, std::span<double> x,
                        std::span<double> y);

}  // namespace tessera::sky
