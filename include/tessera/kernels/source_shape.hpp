// Where a source is, and how it looks (spec 30, 5.2 items 9 and 10).
#pragma once
#include <cstdint>
#include <limits>
#include <vector>

#include "tessera/kernels/deblend.hpp"
#include "tessera/kernels/find_stars.hpp"

namespace tessera::kernels {

inline constexpr double NoValue = std::numeric_limits<double>::quiet_NaN();

/// Moments of the smoothed image in the pixels of a source; negative and non-finite ones count as 0.
struct SourceShape {
  double x = NoValue, y = NoValue;                  ///< centre of mass, pixels of the image, 0-based
  double semimajor = NoValue, semiminor = NoValue;  ///< standard deviations along the axes, pixels
  double ellipticity = NoValue;
  double orientation = NoValue;  ///< of the long axis, degrees from +x towards +y, in (-90, 90]
  model::PixelBox box;           ///< of its pixels
  std::int64_t pixels = 0;
};

/// Shapes of the parts 1, 2, ... of a segment.
std::vector<SourceShape> measure_shapes(SegmentCutout const& cutout);

struct Pointedness {
  double sharpness = NoValue, roundness = NoValue;
};

/// The DAO finder's sharpness and first roundness at the pixel nearest to (x, y). The window holds 2 kernel.radius
/// pixels around it, as far as the image goes; outside the image is 0. NaN where a NaN counts.
Pointedness measure_pointedness(ImageWindow const& window, double x, double y, FinderKernel const& kernel);

}  // namespace tessera::kernels
