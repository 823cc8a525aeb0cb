// Bilinear and nearest values, and the pixels that they need.
#include <algorithm>
#include <cmath>
#include <limits>

#include "tessera/core/contract.hpp"
#include "tessera/kernels/reproject.hpp"

namespace tessera::kernels {

namespace {

/// Calls row(y, x0, x1, X, Y) for the target in strips one patch wide: in a turned image the rows of a strip read the
/// same few lines of memory, those of a whole row do not.
template <class Row>
void each_strip_row(model::PixelMap const& map, model::PixelBox const& target, Row&& row) {
  constexpr std::int64_t Width = model::PixelMap::PatchSize;
  double X[Width], Y[Width];
  for (std::int64_t x0 = target.x0; x0 < target.x1;) {
    std::int64_t const x1 = std::min(target.x1, (x0 / Width + 1) * Width);
    for (std::int64_t y = target.y0; y < target.y1; ++y) {
      map.evaluate_row(y, x0, x1, X, Y);
      row(y, x0, x1, X, Y);
    }
    x0 = x1;
  }
}

/// Positions within half a pixel of the outermost centres.
struct Limits {
  double right, top;
  Limits(std::int64_t nx, std::int64_t ny) : right(static_cast<double>(nx) - 0.5), top(static_cast<double>(ny) - 0.5) {}
  bool contain(double x, double y) const { return x >= -0.5 && x <= right && y >= -0.5 && y <= top; }
};

/// floor of a number from -1 up.
std::int64_t whole_below(double x) { return static_cast<std::int64_t>(x + 1) - 1; }

}  // namespace

void reproject_interp(ImagePart const& image, model::PixelMap const& map, model::PixelBox const& target, float* out) {
  constexpr float NaN = std::numeric_limits<float>::quiet_NaN();
  TESSERA_EXPECT(target.x0 >= 0 && target.y0 >= 0);
  Limits const limits(image.nx, image.ny);
  auto const& box = image.box;
  std::int64_t const width = box.width(), out_width = target.width();
  bool const is_whole = box == model::PixelBox{0, 0, image.nx, image.ny};
  each_strip_row(map, target, [&](std::int64_t y, std::int64_t x0, std::int64_t x1, double const* X, double const* Y) {
    float* const to = out + (y - target.y0) * out_width + (x0 - target.x0);
    for (std::int64_t k = 0; k < x1 - x0; ++k) {
      to[k] = NaN;
      if (!limits.contain(X[k], Y[k])) continue;
      std::int64_t const i = whole_below(X[k]), j = whole_below(Y[k]);
      std::int64_t const left = std::max<std::int64_t>(i, 0), right = std::min(i + 1, image.nx - 1);
      std::int64_t const low = std::max<std::int64_t>(j, 0), high = std::min(j + 1, image.ny - 1);
      if (!is_whole && (left < box.x0 || right >= box.x1 || low < box.y0 || high >= box.y1)) continue;
      double const fx = X[k] - static_cast<double>(i), fy = Y[k] - static_cast<double>(j);
      float const* const below = image.data + (low - box.y0) * width - box.x0;
      float const* const above = image.data + (high - box.y0) * width - box.x0;
      double const lower = (1 - fx) * static_cast<double>(below[left]) + fx * static_cast<double>(below[right]);
      double const upper = (1 - fx) * static_cast<double>(above[left]) + fx * static_cast<double>(above[right]);
      to[k] = static_cast<float>((1 - fy) * lower + fy * upper);
    }
  });
}

void reproject_nearest(std::uint8_t const* mask, std::int64_t nx, std::int64_t ny, model::PixelMap const& map,
                       model::PixelBox const& target, std::uint8_t* out) {
  TESSERA_EXPECT(target.x0 >= 0 && target.y0 >= 0);
  Limits const limits(nx, ny);
  std::int64_t const out_width = target.width();
  each_strip_row(map, target, [&](std::int64_t y, std::int64_t x0, std::int64_t x1, double const* X, double const* Y) {
    std::uint8_t* const to = out + (y - target.y0) * out_width + (x0 - target.x0);
    for (std::int64_t k = 0; k < x1 - x0; ++k) {
      to[k] = 0;
      if (!limits.contain(X[k], Y[k])) continue;
      std::int64_t const i = std::min(whole_below(X[k] + 0.5), nx - 1), j = std::min(whole_below(Y[k] + 0.5), ny - 1);
      to[k] = mask[j * nx + i];
    }
  });
}

model::PixelBox reach_of(model::PixelMap const& map, model::PixelBox const& target, std::int64_t nx, std::int64_t ny) {
  TESSERA_EXPECT(target.x0 >= 0 && target.y0 >= 0);
  Limits const limits(nx, ny);
  constexpr double Infinity = std::numeric_limits<double>::infinity();
  double left = Infinity, right = -Infinity, low = Infinity, high = -Infinity;
  each_strip_row(map, target, [&](std::int64_t, std::int64_t x0, std::int64_t x1, double const* X, double const* Y) {
    for (std::int64_t k = 0; k < x1 - x0; ++k) {
      if (!limits.contain(X[k], Y[k])) continue;
      left = std::min(left, X[k]);
      right = std::max(right, X[k]);
      low = std::min(low, Y[k]);
      high = std::max(high, Y[k]);
    }
  });
  if (left > right) return {};
  return model::intersect({whole_below(left), whole_below(low), whole_below(right) + 2, whole_below(high) + 2},
                          {0, 0, nx, ny});
}

}  // namespace tessera::kernels
