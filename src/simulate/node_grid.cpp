#include "node_grid.hpp"

#include <array>
#include <cstddef>

namespace tessera::simulate {
namespace {

/// Weights of the nodes at -1, 0, 1, 2 for a point at t in [0, 1).
std::array<double, 4> lagrange_weights(double t) {
  return {-t * (t - 1) * (t - 2) / 6, (t + 1) * (t - 1) * (t - 2) / 2, -(t + 1) * t * (t - 2) / 2,
          (t + 1) * t * (t - 1) / 6};
}

}  // namespace

std::vector<float> NodeGrid::interpolate(std::vector<double> const& values) const {
  auto const width = static_cast<std::size_t>(columns());
  std::vector<std::array<double, 4>> weights;
  for (int phase = 0; phase < step; ++phase) weights.push_back(lagrange_weights(static_cast<double>(phase) / step));
  std::vector<float> image(static_cast<std::size_t>(nx) * static_cast<std::size_t>(ny));
  std::vector<double> row(width);
  for (int y = 0; y < ny; ++y) {
    auto const& w = weights[static_cast<std::size_t>(y % step)];
    double const* first = values.data() + static_cast<std::size_t>(y / step) * width;
    for (std::size_t column = 0; column < width; ++column)
      row[column] = w[0] * first[column] + w[1] * first[column + width] + w[2] * first[column + 2 * width] +
                    w[3] * first[column + 3 * width];
    float* out = image.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(nx);
    for (int cell = 0, x = 0; x < nx; ++cell) {
      double const* r = row.data() + cell;
      for (int phase = 0; phase < step && x < nx; ++phase, ++x) {
        auto const& v = weights[static_cast<std::size_t>(phase)];
        out[x] = static_cast<float>(v[0] * r[0] + v[1] * r[1] + v[2] * r[2] + v[3] * r[3]);
      }
    }
  }
  return image;
}

}  // namespace tessera::simulate
