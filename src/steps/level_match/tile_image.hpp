// Images of the later stages: several exposures as one, in a scratch file on the common grid of their set.
#pragma once
#include <filesystem>
#include <vector>

#include "match_layout.hpp"
#include "tessera/kernels/pair_difference.hpp"

namespace tessera::steps {

/// Where a tile image lies on the grid of its island; the same on all ranks once shared.
struct TilePlace {
  model::PixelBox box;         ///< pixels in the file; empty: no data, and no file
  kernels::DataExtent extent;  ///< of the data
};

/// Writes the image: mean of the exposures that have data in a pixel, ERR = sqrt(sum of squares) / their number (spec
/// 40, P9 with the Fix), reprojected once, from the exposures to `grid`. Made in strips of a fixed number of rows, so
/// that memory does not grow with it; the file is whole or not there. Exposures that cannot be read are noted in `lost`
/// and left out. One rank.
TilePlace make_tile_image(MatchPool& pool, MatchImage const& image, model::SkyGrid const& grid,
                          std::filesystem::path const& path, LostExposures& lost);

/// Bytes that make_tile_image takes for an image of at most so many pixels of the grid.
std::int64_t tile_working_bytes(MatchPool const& pool, MatchImage const& image, std::int64_t pixels);

/// Adds the pixels that two tile images have in common, strip by strip.
void add_tile_pair(std::filesystem::path const& first, TilePlace const& place_1, std::filesystem::path const& second,
                   TilePlace const& place_2, kernels::PairPixels<float>& pixels, StepCounts& counts);
/// Bytes that add_tile_pair takes for so many common pixels, besides those collected.
std::int64_t tile_pair_bytes(std::int64_t pixels);

}  // namespace tessera::steps
