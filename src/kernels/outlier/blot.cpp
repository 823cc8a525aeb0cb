#include "tessera/kernels/blot.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "tessera/compute/views.hpp"

namespace tessera::kernels {

namespace {

constexpr float NaN = std::numeric_limits<float>::quiet_NaN();

/// The image as blot sees it: the last cell of a row or column has its right or upper neighbour in itself.
class Cells {
 public:
  explicit Cells(ImagePart const& image)
      : image_(image),
        width_(image.box.width()),
        nx_(static_cast<float>(image.nx)),
        ny_(static_cast<float>(image.ny)) {}

  float value(float x, float y) const {
    if (!(x >= 0 && x < nx_ && y >= 0 && y < ny_)) return NaN;
    auto const column = static_cast<std::int64_t>(x), row = static_cast<std::int64_t>(y);
    std::int64_t const right = column + 1 < image_.nx ? 1 : 0, up = row + 1 < image_.ny ? 1 : 0;
    auto const& box = image_.box;
    if (column < box.x0 || column + right >= box.x1 || row < box.y0 || row + up >= box.y1) return NaN;
    float const* const cell = image_.data + (row - box.y0) * width_ + (column - box.x0);
    double const s = right ? static_cast<double>(x - static_cast<float>(column)) : 0.0,
                 t = up ? static_cast<double>(y - static_cast<float>(row)) : 0.0;
    double const below = (1 - s) * static_cast<double>(cell[0]) + s * static_cast<double>(cell[right]);
    double const above =
        (1 - s) * static_cast<double>(cell[up * width_]) + s * static_cast<double>(cell[up * width_ + right]);
    return static_cast<float>((1 - t) * below + t * above);
  }

 private:
  ImagePart const& image_;
  std::int64_t width_;
  float nx_, ny_;
};

}  // namespace

float blot_value(ImagePart const& image, double x, double y) {
  return Cells(image).value(static_cast<float>(x), static_cast<float>(y));
}

void blot(ImagePart const& image, model::PixelMap const& map, model::PixelBox const& target, float* out,
          std::int64_t stride) {
  Cells const cells(image);
  auto const width = static_cast<std::size_t>(target.width());
  using Policy = Kokkos::RangePolicy<compute::HostExecution, Kokkos::Schedule<Kokkos::Dynamic>>;
  Kokkos::parallel_for("tessera::blot", Policy(target.y0, target.y1).set_chunk_size(16), [&](std::int64_t y) {
    thread_local std::vector<double> X, Y;
    X.resize(width);
    Y.resize(width);
    map.evaluate_row(y, target.x0, target.x1, X.data(), Y.data());
    float* const row = out + (y - target.y0) * stride;
    for (std::size_t k = 0; k < width; ++k) row[k] = cells.value(static_cast<float>(X[k]), static_cast<float>(Y[k]));
  });
}

model::PixelBox blot_box(model::PixelMap const& map, model::PixelBox const& target, std::int64_t nx, std::int64_t ny) {
  // Every row is looked at in full: a map need not be smooth, and this costs little beside the blot.
  constexpr double Far = 1e300;
  double x_low = Far, x_high = -Far, y_low = Far, y_high = -Far;
  std::vector<double> X(static_cast<std::size_t>(target.width())), Y(X.size());
  for (std::int64_t y = target.y0; y < target.y1; ++y) {
    map.evaluate_row(y, target.x0, target.x1, X.data(), Y.data());
    for (std::size_t k = 0; k < X.size(); ++k) {  // comparisons with NaN leave the bounds as they are
      x_low = X[k] < x_low ? X[k] : x_low;
      x_high = X[k] > x_high ? X[k] : x_high;
      y_low = Y[k] < y_low ? Y[k] : y_low;
      y_high = Y[k] > y_high ? Y[k] : y_high;
    }
  }
  // One pixel more at each end: coordinates are rounded to float32, and a cell reaches to the next pixel.
  auto const first = [](double low, std::int64_t n) {
    return static_cast<std::int64_t>(std::clamp(std::floor(low) - 1, 0.0, static_cast<double>(n)));
  };
  auto const last = [](double high, std::int64_t n) {
    return static_cast<std::int64_t>(std::clamp(std::floor(high) + 3, 0.0, static_cast<double>(n)));
  };
  if (x_low > x_high) return {};
  model::PixelBox const box{first(x_low, nx), first(y_low, ny), last(x_high, nx), last(y_high, ny)};
  return box.empty() ? model::PixelBox{} : box;
}

}  // namespace tessera::kernels
