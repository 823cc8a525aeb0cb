// The noiseless sky on a detector.
#pragma once
#include <vector>

#include "tessera/simulate/focal_plane.hpp"
#include "tessera/simulate/scene.hpp"
#include "tessera/sky/wcs.hpp"

namespace tessera::simulate {

/// Relative pixel areas (the AREA plane), [ny][nx]: solid angle of each pixel over `detector.pixel_area`.
std::vector<float> make_area_plane(Detector const& detector, double va_scale);

/// Smooth emission in MJy/sr at the pixel centres, [ny][nx]. The scene is evaluated at nodes a quarter arcsecond apart
/// and interpolated with cubics: the error is below 0.3 % of the finest structure's amplitude
/// (Scene::SmallestStructure).
std::vector<float> render_smooth(Scene const& scene, BandMix const& mix, sky::Wcs const& wcs, int nx, int ny);

/// Adds stars, clusters and far galaxies to `image`. Fluxes are spread over pixels with the PSF integrated over each
/// pixel and divided by the pixel's solid angle. `noise` is the least noise in MJy/sr: profiles end where they fall to
/// 2 % of it.
void add_sources(Scene const& scene, Band const& band, Detector const& detector, sky::Wcs const& wcs,
                 std::vector<float> const& area, double noise, std::vector<float>& image);

/// Pixels of sky positions, exact for the forward transform (stored inverses of the distortion are not).
std::vector<model::PixelPoint> find_pixels(sky::Wcs const& wcs, std::vector<model::SkyPoint> const& positions);

}  // namespace tessera::simulate
