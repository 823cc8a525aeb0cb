// An effective PSF from many stars (Anderson & King 2000).
#pragma once
#include <span>
#include <string>

#include "tessera/kernels/effective_psf.hpp"
#include "tessera/kernels/fit_star.hpp"

namespace tessera::kernels {

/// A star that the PSF is to be measured from: alone, not saturated.
struct PsfStar {
  StampView stamp;
  double x = 0, y = 0;  ///< as first found, pixels of the image
};

struct BuildPsfOptions {
  int radius = 6;         ///< of the PSF, pixels
  double fit_radius = 5;  ///< of the fits of the stars, below radius
  double fwhm = 2;        ///< pixels, roughly: where the search for the width starts
  int min_stars = 20;     ///< with fewer none is built
  int min_phases = 8;     ///< of the 4 x 4 parts of a pixel that stars must lie in
  int iterations = 30;
  double tolerance = 1e-4;  ///< pixels: ends when the centres move less, rms
};

struct BuiltPsf {
  EffectivePsf psf;     ///< empty: see problem
  std::string problem;  ///< why there is none
  int stars = 0;        ///< that it was made from
  int iterations = 0;
  double last_move = 0;    ///< rms of the last move of the centres, pixels
  double model_error = 0;  ///< scatter of the stars about it beyond their noise, as a fraction of the value
};

/// Starts from a Gaussian of the best width and adds the clipped, smoothed mean of what it leaves of the stars, until
/// their centres rest. The smoothing takes away what is finer than the optics can make: that, and a start without a
/// preference for some part of the pixel, keeps the pixel phases apart from the shape of the PSF. Sums are in the
/// order of the stars.
BuiltPsf build_effective_psf(std::span<PsfStar const> stars, BuildPsfOptions const& options);

}  // namespace tessera::kernels
