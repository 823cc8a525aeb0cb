// Weighted least squares of a plane, in closed form.
#pragma once
#include <cstdint>
#include <optional>

#include "tessera/kernels/pair_difference.hpp"

namespace tessera::kernels {

/// Sums of the normal equations, in the order in which points are added.
class PlaneSums {
 public:
  /// A point (x, y) where the plane should be z, with weight > 0.
  void add(double x, double y, double z, double weight) {
    double const wx = weight * x, wy = weight * y;
    ++count_;
    w_ += weight;
    x_ += wx;
    y_ += wy;
    z_ += weight * z;
    xx_ += wx * x;
    xy_ += wx * y;
    yy_ += wy * y;
    xz_ += wx * z;
    yz_ += wy * z;
  }
  std::int64_t count() const { return count_; }

  /// The plane; nothing where the points do not determine it.
  std::optional<GridPlane> solve() const;

 private:
  std::int64_t count_ = 0;
  double w_ = 0, x_ = 0, y_ = 0, z_ = 0, xx_ = 0, xy_ = 0, yy_ = 0, xz_ = 0, yz_ = 0;
};

}  // namespace tessera::kernels
