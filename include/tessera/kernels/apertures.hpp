// Sums in circles and levels in rings of an image (spec 30, 5.2 item 5).
#pragma once
#include <cstdint>
#include <limits>

#include "tessera/kernels/segmentation.hpp"

namespace tessera::kernels {

/// Part of the pixel of centre (x, y) that lies in the disc of radius `radius` around (0, 0): 0 to 1, exact.
double disc_overlap(double x, double y, double radius);

struct ApertureSum {
  double sum = std::numeric_limits<double>::quiet_NaN();
  double error = std::numeric_limits<double>::quiet_NaN();  ///< sqrt(sum of part times error squared)
};

/// Sum of the pixels in the disc around (x, y), each with the part of it that lies in it. Nothing lies outside the
/// image; NaN for a NaN in the disc, or where (x, y) is not finite. The window holds the disc, as far as the image
/// goes; `errors` has its shape. The mask of the window is not used.
ApertureSum aperture_sum(ImageWindow const& window, float const* errors, double x, double y, double radius);

struct AnnulusLevel {
  double median = std::numeric_limits<double>::quiet_NaN();
  double error = std::numeric_limits<double>::quiet_NaN();  ///< of the median: sqrt(pi / 2 n) std
  std::int64_t pixels = 0;                                  ///< left after clipping
};

/// Clipped (3 sigma, 5 rounds) median of the finite pixels whose centres lie in inner <= r < outer around (x, y).
AnnulusLevel annulus_level(ImageWindow const& window, double x, double y, double inner, double outer);

}  // namespace tessera::kernels
