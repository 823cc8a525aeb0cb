// Parameters of multi_tile_destripe, ready for use (spec 40, 1.10).
#pragma once
#include <cstdint>
#include <optional>

#include "tessera/config/resolved_parameters.hpp"
#include "tessera/kernels/pixel_stack.hpp"
#include "tessera/kernels/reproject.hpp"
#include "tessera/kernels/running_filter.hpp"

namespace tessera::steps {

/// Weights of exposures in a mean stack.
enum class DestripeWeight {
  ReadNoise,     ///< 1 / VAR_RNOISE; files without it count alike
  ExposureTime,  ///< seconds
  Equal
};

struct DestripeOptions {
  bool joint = false;          ///< the first pass as one least-squares solution for stripes and sky
  double prior_amplitude = 0;  ///< of its prior, rms of the stripes in units of SCI; 0: from the data
  kernels::StackMethod stack = kernels::StackMethod::Mean;
  DestripeWeight weight = DestripeWeight::ReadNoise;
  bool quadrants = true;
  double min_mask_frac = 0.2;
  bool vertical = false;
  bool large_scale = true;
  std::optional<std::int64_t> filter_scale;  ///< grid pixels; unset: a tenth of the rows of the first exposure
  kernels::ExtendMode extend_mode = kernels::ExtendMode::Reflect;
  double sigma = 3;
  int dilate = 7;
  std::optional<int> maxiters;
  bool level_match = false;
  bool converge = false;
  double convergence_sigma = 1;
  int most_iterations = 5;
  kernels::Reprojection reprojection = kernels::Reprojection::Interp;
};

/// Throws ConfigError for what cannot be done: apply_to_unflat needs the reference flat, which no part of the program
/// can read yet; the joint method knows rows of exposures that were interpolated linearly.
DestripeOptions destripe_options(config::ResolvedParameters const& parameters);

}  // namespace tessera::steps
