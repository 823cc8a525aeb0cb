// Blot: a mosaic seen from an exposure (spec 30, 3.3).
#pragma once
#include <cstdint>
#include <span>

#include "tessera/kernels/reproject.hpp"
#include "tessera/model/pixel_map.hpp"

namespace tessera::kernels {

/// Bilinear value at (x, y), which are rounded to float32 first; NaN outside 0 <= x < nx, 0 <= y < ny of the whole
/// image, where one of the four pixels is NaN, or where `image` does not hold them. In the last column only along y, in
/// the last row only along x, in the last corner the pixel itself.
float blot_value(ImagePart const& image, double x, double y);

/// Values of `image` at the positions of the pixels `target` of the exposure; pixels without a position: NaN. Row y of
/// the target begins at out + (y - target.y0) * stride. Rows are divided over threads.
void blot(ImagePart const& image, model::PixelMap const& map, model::PixelBox const& target, float* out,
          std::int64_t stride);

/// Pixels of an nx x ny mosaic that blot needs for `target`: a box, cut to the mosaic. Empty: none.
model::PixelBox blot_box(model::PixelMap const& map, model::PixelBox const& target, std::int64_t nx, std::int64_t ny);

}  // namespace tessera::kernels
