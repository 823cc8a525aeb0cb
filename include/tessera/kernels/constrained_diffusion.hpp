// Constrained diffusion: an image as a sum of scales, so that compact sources stand alone (spec 40, 1.13; Li 2022).
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "tessera/kernels/find_stars.hpp"

namespace tessera::kernels {

/// How one scale is taken off: so many smoothings by a Gaussian of this sigma.
struct DiffusionScale {
  int iterations = 0;
  double time_step = 0;
  double sigma = 0;         ///< pixels
  std::int64_t radius = 0;  ///< the Gaussian is cut at 4 sigma: pixels
};

/// The first `scales` scales of an image of nx x ny pixels, or as many as there are: floor(log2(min(ny, nx)) - 1).
/// `error` is the largest step in time relative to a scale's own time.
std::vector<DiffusionScale> plan_diffusion(std::int64_t nx, std::int64_t ny, int scales, double error = 0.03);

struct Diffusion {
  std::vector<std::vector<double>> scales;  ///< finest first, each [ny][nx]
  std::vector<double> residual;             ///< [ny][nx]; the sum of all is the image
};
/// The image is zero outside. All values finite. Memory beyond the result: 16 bytes a pixel.
Diffusion constrained_diffusion(std::span<double const> image, std::int64_t nx, std::int64_t ny,
                                std::span<DiffusionScale const> plan);

/// Rows on either side that diffused rows depend on.
std::int64_t diffusion_reach(std::span<DiffusionScale const> plan);

/// Sum of the scales of `plan`, that is the image without its smooth part, of rows own_y0 <= y < own_y1: what stars are
/// found on. Pixels masked or not finite are taken as 0, and are 0 in the result. The bits do not depend on how an
/// image is cut into rows, if diffusion_reach rows are given around them. Memory: 16 bytes a pixel given, 4 a pixel
/// owned.
std::vector<float> compact_part(ImageRows const& rows, std::int64_t own_y0, std::int64_t own_y1,
                                std::span<DiffusionScale const> plan);

}  // namespace tessera::kernels
