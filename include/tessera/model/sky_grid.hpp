// An output grid: a tangent-plane image of the sky.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tessera/model/blocks.hpp"

namespace tessera::model {

/// Position on the sky, ICRS, degrees.
struct SkyPoint {
  double ra = 0, dec = 0;
};

/// Position in an image, pixels, 0-based: the centre of the first pixel is (0, 0).
struct PixelPoint {
  double x = 0, y = 0;
};

/// TAN projection, ICRS, LONPOLE 180 (spec 30, 4.2). Intermediate world = cdelt * pc * (pixel - crpix).
struct SkyGrid {
  std::int64_t nx = 0, ny = 0;
  PixelPoint crpix;                   ///< 0-based
  SkyPoint crval;                     ///< degrees
  std::array<double, 2> cdelt{1, 1};  ///< degrees a pixel; both positive as the reference writes them
  std::array<std::array<double, 2>, 2> pc{{{-1, 0}, {0, 1}}};
  double pixel_scale_ratio = 1;                         ///< PXSCLRT: output scale over input scale
  std::array<std::array<double, 2>, 2> bounding_box{};  ///< pixels: {{x low, x high}, {y low, y high}}

  BlockGrid blocks() const { return {nx, ny}; }
  bool operator==(SkyGrid const&) const;
};

/// A polygon on the sky with great-circle edges, vertices in order, not repeated at the end.
using SkyPolygon = std::vector<SkyPoint>;

}  // namespace tessera::model
