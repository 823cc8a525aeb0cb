// How far one image lies from another of the same sky (spec 40, 1.7, cross_corr).
#pragma once
#include <array>
#include <cstdint>

namespace tessera::kernels {

struct ImageShiftOptions {
  double search = 64;      ///< pixels: largest shift looked for along either axis
  int parts = 3;           ///< the first guess is what most of parts x parts pieces of the images agree on
  double smoothing = 1.0;  ///< pixels: standard deviation of the Gaussian that both images see before the refinement
  int rounds = 20;         ///< most rounds of the refinement
};

enum class ImageShiftVerdict {
  Found,
  TooFewPixels,   ///< too little in common
  Insignificant,  ///< no peak stands out of the correlation
  Ambiguous,      ///< the pieces do not agree, or the refinement left their value
  TooLarge        ///< further than `search`
};

/// What is at pixel p of the first image is at p + (x, y) of the second.
struct ImageShift {
  ImageShiftVerdict verdict = ImageShiftVerdict::TooFewPixels;
  double x = 0, y = 0;                   ///< pixels
  std::array<double, 2> error{0, 0};     ///< standard errors from what the fit leaves, pixels
  std::array<double, 2> guess{0, 0};     ///< of the correlation, pixels
  int pieces = 0, agreeing = 0;          ///< pieces with a significant peak; those that agree within 1.5 pixels
  std::int64_t pixels = 0;               ///< that the refinement compared
  double rms_before = 0, rms_after = 0;  ///< of the difference of the smoothed images, without and with the shift
};

/// Compares two images [ny][nx] of the same grid; NaN: no data. First guess: correlation with unit phases where the
/// spectrum stands out of its noise, in pieces, local means taken off, under a Hann window. Refinement: least squares
/// on the gradients of the smoothed images with a plane as background, Huber weights, each image moved by half the
/// fraction of a pixel so that interpolation acts alike on both. Differences of level or slope between the images do
/// not count.
ImageShift measure_image_shift(float const* first, float const* second, std::int64_t ny, std::int64_t nx,
                               ImageShiftOptions const& options);

/// Bytes it takes besides the images.
std::int64_t image_shift_bytes(std::int64_t ny, std::int64_t nx);

}  // namespace tessera::kernels
