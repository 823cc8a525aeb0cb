// A linear map from one list of positions to another, with clipping (spec 30, 1.9).
#pragma once
#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "tessera/kernels/match_stars.hpp"

namespace tessera::kernels {

enum class FitGeometry { Shift, Rshift, Rscale, General };
/// "shift", "rshift", "rscale", "general"; throws ConfigError.
FitGeometry parse_fit_geometry(std::string_view name);
/// Pairs that a geometry needs: 1, 2, 2, 3.
int least_pairs(FitGeometry geometry);

using Matrix2 = std::array<std::array<double, 2>, 2>;

struct FitOptions {
  FitGeometry geometry = FitGeometry::Rshift;
  int nclip = 3;
  double sigma = 3;  ///< in units of the RMSE of the fit
  int minobj = 0;    ///< least pairs that clipping may leave; at least least_pairs
};

/// reference = matrix image + shift, about the origin of the plane.
struct PositionFit {
  Matrix2 matrix{{{1, 0}, {0, 1}}};
  std::array<double, 2> shift{0, 0};
  std::array<double, 2> center{0, 0};  ///< mean of the image points before clipping
  double rmse = 0, mae = 0, std = 0;   ///< of the pairs used
  std::vector<bool> used;              ///< [pair]
  int count = 0;                       ///< pairs used
};

/// `weights` may be empty. Pair k is (image[k], reference[k]). Nothing where there are fewer than least_pairs of
/// positive weight, or where they do not determine the fit.
std::optional<PositionFit> fit_positions(std::span<PlanePosition const> image, std::span<PlanePosition const> reference,
                                         std::span<double const> weights, FitOptions const& options);

}  // namespace tessera::kernels
