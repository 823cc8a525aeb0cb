// Interpolation of smooth images from nodes.
#pragma once
#include <vector>

namespace tessera::simulate {

/// Nodes every `step` pixels over an nx x ny image, with the margin that cubic interpolation needs: node (i, j) lies at
/// pixel ((i - 1) step, (j - 1) step).
struct NodeGrid {
  int nx = 0, ny = 0, step = 1;
  int columns() const { return (nx - 1) / step + 4; }
  int rows() const { return (ny - 1) / step + 4; }
  double x(int column) const { return static_cast<double>((column - 1) * step); }
  double y(int row) const { return static_cast<double>((row - 1) * step); }

  /// Four-point Lagrange interpolation, rows first and then columns. `values` is [rows()][columns()].
  std::vector<float> interpolate(std::vector<double> const& values) const;
};

}  // namespace tessera::simulate
