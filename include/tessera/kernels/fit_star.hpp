// The centre and flux of a star by fitting an effective PSF.
#pragma once
#include <cstdint>
#include <span>

#include "tessera/kernels/effective_psf.hpp"

namespace tessera::kernels {

/// A square of pixels, [y][x], in memory. A pixel takes part where value and error are finite and the error is
/// above 0.
struct StampView {
  std::int64_t x0 = 0, y0 = 0;  ///< its corner in the image
  int side = 0;
  float const* value = nullptr;
  float const* error = nullptr;
};

/// A star near the one that is fitted: fitted with it.
struct Neighbour {
  double x = 0, y = 0;  ///< pixels of the image
};

struct FitStarOptions {
  double radius = 5;         ///< pixels around the start that take part
  double max_shift = 1;      ///< pixels from the start; further: failed
  double model_error = 0.0;  ///< of the PSF, as a fraction of the value
  double clip_sigma = 5;     ///< pixels further off are left out, once fitted; 0: none
  int iterations = 30;
};

struct StarFit {
  bool good = false;
  double x = 0, y = 0;  ///< pixels of the image, 0-based
  double flux = 0;
  double background = 0, slope_x = 0, slope_y = 0;  ///< at the start; a pixel
  double error = 0;                                 ///< standard error of x and y: root of the mean of both variances
  double flux_error = 0;
  double chi2 = 0;  ///< a degree of freedom
  int pixels = 0;   ///< that took part
};

/// Weighted least squares of flux, x, y, a plane of background, and flux and place of each neighbour (those further
/// than radius + 1 from the start do not matter; the four nearest are taken). Errors are those of the pixels, larger by
/// sqrt(chi2) where that is above 1. Not good: too few pixels, no light, or no end of the iterations within max_shift.
StarFit fit_star(StampView const& stamp, EffectivePsf const& psf, double x, double y,
                 std::span<Neighbour const> neighbours, FitStarOptions const& options);

}  // namespace tessera::kernels
