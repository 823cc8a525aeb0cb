// Positions of a row of target pixels with the derivatives of the map.
#pragma once
#include <cstdint>
#include <vector>

#include "tessera/model/pixel_map.hpp"

namespace tessera::kernels {

/// Where a target pixel lies in the image, and how far a step of one target pixel along x and y goes there. NaN where
/// the map has no positions.
struct MappedPixel {
  double x = 0, y = 0;
  double x_along_x = 0, y_along_x = 0;  ///< image pixels a target pixel along x
  double x_along_y = 0, y_along_y = 0;
};

/// Rows one after the other: derivatives are central differences, one-sided where the map ends.
class MapDerivatives {
 public:
  explicit MapDerivatives(model::PixelMap const& map) : map_(map) {}

  /// Pixels x0 <= x < x1 of row y.
  void evaluate_row(std::int64_t y, std::int64_t x0, std::int64_t x1, std::vector<MappedPixel>& pixels);

 private:
  model::PixelMap const& map_;
  std::vector<double> x_[3], y_[3];
};

}  // namespace tessera::kernels
