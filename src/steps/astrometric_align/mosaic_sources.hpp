// The stars of a mosaic, as a step before listed them.
#pragma once
#include <filesystem>
#include <vector>

#include "mosaic_plane.hpp"

namespace tessera::steps {

struct MosaicSource {
  double x = 0, y = 0;  ///< array pixels, 0-based
  model::SkyPoint sky;  ///< by the WCS of the mosaic
  PlanePosition at;     ///< in the plane of the mosaic
};

/// Rows of _astro_cat.fits, or of _cat.ecsv those that are not extended, with a finite position. Empty where the file
/// is not there. Throws InputError: no table, no columns xcentroid and ycentroid.
std::vector<MosaicSource> read_mosaic_sources(std::filesystem::path const& path, MosaicImage const& image,
                                              MosaicPlane const& plane);

}  // namespace tessera::steps
