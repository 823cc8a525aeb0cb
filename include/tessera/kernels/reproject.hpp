// Values of an image at mapped positions (spec 40, P8).
#pragma once
#include <cstdint>
#include <string_view>

#include "tessera/model/blocks.hpp"
#include "tessera/model/pixel_map.hpp"

namespace tessera::kernels {

enum class Reprojection { Interp, Exact, Adaptive };
/// "interp", "exact", "adaptive"; throws ConfigError.
Reprojection parse_reprojection(std::string_view name);

/// Pixels box of a larger image, [y - box.y0][x - box.x0], float32.
struct ImagePart {
  float const* data = nullptr;
  model::PixelBox box;          ///< pixels that are here
  std::int64_t nx = 0, ny = 0;  ///< of the whole image
};

/// Bilinear values of `image` at the positions of the pixels `target` of `map`; `out` is [target.height()][width()].
/// Any NaN among the four neighbours gives NaN; within half a pixel outside the outermost centres of the whole image
/// the edge value is repeated; further out, or where `image` does not hold the pixels needed, NaN. Sums in double.
void reproject_interp(ImagePart const& image, model::PixelMap const& map, model::PixelBox const& target, float* out);

/// Means of `image` over the pixels `target` of `map`, weighted by the area that each image pixel shares with the
/// target pixel. The target pixel is taken as the parallelogram that the map makes of it: its sides are great circles,
/// and the polygons are cut in the plane of the image pixels, which differs from the sky by the change of the pixel
/// area across a pixel, some 1e-5 of the differences between neighbours. NaN pixels are left out of the mean; NaN where
/// less than 1e-6 of the target pixel is left, or where `image` does not hold the pixels needed.
void reproject_exact(ImagePart const& image, model::PixelMap const& map, model::PixelBox const& target, float* out);

/// DeForest's (2004) anti-aliased resampling: a Gaussian of standard deviation 0.65 target pixels (in the image never
/// narrower than 0.65 of its own pixels), carried to the image by the derivatives of the map and cut where the square
/// of 4 x 4 target pixels ends. NaN where the region sampled holds a NaN or leaves the image.
void reproject_adaptive(ImagePart const& image, model::PixelMap const& map, model::PixelBox const& target, float* out);

/// One of the three above.
void reproject(Reprojection method, ImagePart const& image, model::PixelMap const& map, model::PixelBox const& target,
               float* out);

/// The pixel nearest to each position (halves go up); 0 further out than half a pixel. `mask` is [ny][nx] of the image.
void reproject_nearest(std::uint8_t const* mask, std::int64_t nx, std::int64_t ny, model::PixelMap const& map,
                       model::PixelBox const& target, std::uint8_t* out);

/// Pixels of the image that reproject_interp needs for `target`: a box, cut to the image. Empty: none.
model::PixelBox reach_of(model::PixelMap const& map, model::PixelBox const& target, std::int64_t nx, std::int64_t ny);

}  // namespace tessera::kernels
