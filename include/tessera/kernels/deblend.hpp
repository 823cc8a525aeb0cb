// Overlapping sources of one segment, told apart (spec 30, 1.5).
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "tessera/kernels/segmentation.hpp"

namespace tessera::kernels {

/// The box of a segment cut out of an image.
struct SegmentCutout {
  model::PixelBox box;               ///< in the image
  std::vector<float> values;         ///< smoothed image, [y - box.y0][x - box.x0]; 0 outside the segment
  std::vector<std::int32_t> labels;  ///< 1, 2, ... : part of the segment; 0 outside
  int parts = 1;
};

/// `runs`: of this segment. `smoothed` is [y - window.y0][x - window.x0].
SegmentCutout cut_segment(Segment const& segment, std::span<SegmentRun const> runs, float const* smoothed,
                          model::PixelBox const& window);

/// Deblends the segment of a cutout, where the options say so.
void deblend(SegmentCutout& cutout, SegmentationOptions const& options);

/// Parts of a segment. `values` is the smoothed image, `labels` 1 in the segment and 0 elsewhere; both [height][width].
/// Multithresholding gives markers, a watershed grows them; parts with less than `contrast` of the segment's sum go to
/// their neighbours, the faintest first. Leaves 1, 2, ... in `labels`, in raster order of the markers' first pixels,
/// and returns their number: 1 where the segment is not blended.
int deblend(float const* values, std::int32_t* labels, std::int64_t width, std::int64_t height,
            SegmentationOptions const& options);

/// Bytes that deblend needs besides its arguments, for a segment of so many pixels of a smooth image.
std::int64_t deblend_bytes(std::int64_t pixels);

}  // namespace tessera::kernels
