// A cubic spline through the cell centres of a mesh, evaluated on the pixels below it (spec 30, 1.3, step 7).
#pragma once
#include <cstdint>
#include <vector>

namespace tessera::kernels {

/// B-spline coefficients of `mesh` [mesh_ny][mesh_nx]; beyond its ends the mesh is reflected: d c b a | a b c d.
std::vector<double> find_spline_coefficients(std::vector<double> mesh, std::int64_t mesh_nx, std::int64_t mesh_ny);

/// Four B-spline weights for every pixel of one axis, and the cell that the first belongs to.
class SplineAxis {
 public:
  /// Pixel p lies at (p + 0.5) / box - 0.5 of the mesh.
  SplineAxis(std::int64_t pixels, std::int64_t box);

  std::int64_t pixels() const { return pixels_; }
  std::int64_t box() const { return box_; }
  /// First of the four cells, -2 or above.
  std::int64_t first_cell(std::int64_t pixel) const;
  /// Weights of pixel p, one array each: w[0][p], ... w[3][p].
  std::vector<double> const& weights(int which) const { return weights_[which]; }

 private:
  std::int64_t pixels_, box_;
  std::vector<double> weights_[4];
};

/// One row of pixels: `out` [axis_x.pixels()], kept within [low, high]. `line` is scratch.
void evaluate_spline_row(std::vector<double> const& coefficients, std::int64_t mesh_nx, std::int64_t mesh_ny,
                         SplineAxis const& axis_x, SplineAxis const& axis_y, std::int64_t y, double low, double high,
                         std::vector<double>& line, float* out);

}  // namespace tessera::kernels
