#include "plane_fit.hpp"

#include <algorithm>
#include <cmath>

namespace tessera::kernels {

namespace {

/// Points narrower across than this fraction of their length are on one line.
constexpr double LeastRoundness = 1e-6;

}  // namespace

std::optional<GridPlane> PlaneSums::solve() const {
  if (count_ < 3 || !(w_ > 0) || !std::isfinite(w_)) return std::nullopt;
  // About the weighted mean the level separates from the slopes, and a 2 x 2 system is left.
  double const mean_x = x_ / w_, mean_y = y_ / w_, mean_z = z_ / w_;
  double const xx = xx_ / w_ - mean_x * mean_x, xy = xy_ / w_ - mean_x * mean_y, yy = yy_ / w_ - mean_y * mean_y;
  double const xz = xz_ / w_ - mean_x * mean_z, yz = yz_ / w_ - mean_y * mean_z;
  double const determinant = xx * yy - xy * xy, trace = xx + yy;
  // The product of the two squared half-widths against the square of the larger one.
  if (!(trace > 0) || !(determinant > LeastRoundness * LeastRoundness * trace * trace)) return std::nullopt;
  GridPlane plane;
  plane.slope_x = (yy * xz - xy * yz) / determinant;
  plane.slope_y = (xx * yz - xy * xz) / determinant;
  plane.level = mean_z - plane.slope_x * mean_x - plane.slope_y * mean_y;
  return plane;
}

}  // namespace tessera::kernels
