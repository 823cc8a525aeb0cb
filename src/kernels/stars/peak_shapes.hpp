// What the star finders measure around a peak (spec 30, 1.4).
#pragma once
#include <optional>
#include <vector>

#include "tessera/kernels/find_stars.hpp"

namespace tessera::kernels {

/// Pixels around a peak, [side][side] of the kernel, zero outside the image.
using Cut = std::vector<double>;

struct IrafShape {
  double x = 0, y = 0;  ///< centre, relative to the peak
  double sky = 0, flux = 0, peak = 0;
  double fwhm = 0, sharpness = 0, roundness = 0;
  int pixels = 0;  ///< above the sky
};
/// Moments of what lies above the sky. No positive pixel, or NaN: values are not finite.
IrafShape measure_iraf_shape(Cut const& data, FinderKernel const& kernel, double fwhm);

struct DaoShape {
  double x = 0, y = 0;  ///< centre, relative to the peak
  double flux = 0, peak = 0;
  double sharpness = 0, roundness1 = 0, roundness2 = 0;
  double height_x = 0, height_y = 0;  ///< of the marginal fits
};
/// Fits of the marginal sums. Values are not finite where a fit is none. `convolved` is the cut of the convolved image.
DaoShape measure_dao_shape(Cut const& data, Cut const& convolved, FinderKernel const& kernel);

}  // namespace tessera::kernels
