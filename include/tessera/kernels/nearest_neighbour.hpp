// The nearest other point of each point of a plane.
#pragma once
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace tessera::kernels {

struct Neighbour {
  std::ptrdiff_t index = -1;  ///< -1: no other point, or not a finite position
  double distance = std::numeric_limits<double>::quiet_NaN();
};

/// Of equally near ones the first. Points that are not finite have no neighbour and are none.
std::vector<Neighbour> find_nearest(std::span<double const> x, std::span<double const> y);

}  // namespace tessera::kernels
