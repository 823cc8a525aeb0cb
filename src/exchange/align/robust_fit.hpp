// A shift, or a shift and a rotation, of positions whose errors are stated, among matches that are partly wrong.
#pragma once
#include <optional>
#include <span>
#include <vector>

#include "tessera/kernels/fit_positions.hpp"

namespace tessera::exchange {

struct RobustFit {
  kernels::PositionFit fit;     ///< `used`: pairs with weight; rmse and mae weighted
  std::vector<double> weights;  ///< [pair], mean 1 over the pairs used
};

/// Of pairs with `variances` of a coordinate (arcsec squared), from `start` on. Weights 1 / (variance + floor) times
/// Tukey's (1 - (u / 5)^2)^2, with u the misfit in standard errors; the floor is the least with which the median misfit
/// is that of normal errors: blends and poor stated errors are part of every list. Nothing where the pairs with weight
/// do not determine the fit.
std::optional<RobustFit> fit_robustly(std::span<kernels::PlanePosition const> image,
                                      std::span<kernels::PlanePosition const> reference,
                                      std::span<double const> variances, kernels::PositionFit const& start,
                                      kernels::FitGeometry geometry);

}  // namespace tessera::exchange
