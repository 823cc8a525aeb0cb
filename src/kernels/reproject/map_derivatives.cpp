#include "map_derivatives.hpp"

#include <cmath>
#include <cstddef>

namespace tessera::kernels {

namespace {

/// Half the difference of the outer two, or that of the two that are there.
double derivative(double before, double here, double after) {
  if (std::isfinite(before) && std::isfinite(after)) return 0.5 * (after - before);
  return std::isfinite(after) ? after - here : here - before;
}

}  // namespace

void MapDerivatives::evaluate_row(std::int64_t y, std::int64_t x0, std::int64_t x1, std::vector<MappedPixel>& pixels) {
  auto const count = static_cast<std::size_t>(x1 - x0);
  for (int row = 0; row < 3; ++row) {
    x_[row].resize(count + 2);
    y_[row].resize(count + 2);
    map_.evaluate_row(y + row - 1, x0 - 1, x1 + 1, x_[row].data(), y_[row].data());
  }
  pixels.resize(count);
  for (std::size_t k = 0; k < count; ++k) {
    double const x = x_[1][k + 1], here_y = y_[1][k + 1];
    pixels[k] = {x,
                 here_y,
                 derivative(x_[1][k], x, x_[1][k + 2]),
                 derivative(y_[1][k], here_y, y_[1][k + 2]),
                 derivative(x_[0][k + 1], x, x_[2][k + 1]),
                 derivative(y_[0][k + 1], here_y, y_[2][k + 1])};
  }
}

}  // namespace tessera::kernels
