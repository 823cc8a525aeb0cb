// The map from pixels of an exposure to pixels of an output grid, as polynomials on patches.
#pragma once
#include <cstdint>
#include <limits>
#include <vector>

#include "tessera/model/blocks.hpp"

namespace tessera::model {

/// Output pixel position (X, Y), 0-based, of every input pixel centre (x, y), 0-based.
///
/// The input array is cut in patches of PatchSize x PatchSize anchored at its origin. On each patch X and Y are
/// Chebyshev series in the scaled coordinates u = (2 (x - x_patch) + 1) / PatchSize - 1 and likewise v; coefficient (i,
/// j) multiplies T_i(u) T_j(v) and is stored at [j * (degree + 1) + i]. Pixels outside `valid` have no position (NaN):
/// the WCS bounding box, half-open. Made by sky::make_pixel_map, which guarantees the error it reports.
struct PixelMap {
  static constexpr int PatchSize = 128;
  static constexpr int MaxDegree = 16;

  struct Patch {
    int degree = 0;
    bool finite = true;        ///< false: the WCS has no value here; every pixel is NaN
    std::vector<double> x, y;  ///< (degree + 1)^2 Chebyshev coefficients each
  };

  std::int64_t nx = 0, ny = 0;  ///< input pixels
  PixelBox valid;               ///< input pixels that have a position
  std::vector<Patch> patches;   ///< patch row * patch_columns() + patch column
  double largest_error = 0;     ///< pixels: largest difference to the exact WCS over the check points

  std::int64_t patch_columns() const { return (nx + PatchSize - 1) / PatchSize; }
  std::int64_t patch_rows() const { return (ny + PatchSize - 1) / PatchSize; }

  /// Writes X and Y of pixels x0 <= x < x1 of row y (any int64; outside the array or `valid`: NaN).
  /// Bits depend on (x, y) only, not on x0 and x1.
  void evaluate_row(std::int64_t y, std::int64_t x0, std::int64_t x1, double* X, double* Y) const;
};

}  // namespace tessera::model
