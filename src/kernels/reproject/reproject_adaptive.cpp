// DeForest's anti-aliased resampling, "On Re-sampling of Solar Images", Solar Physics 219, 3 (2004).
#include <algorithm>
#include <cmath>
#include <limits>

#include "map_derivatives.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/kernels/reproject.hpp"

namespace tessera::kernels {

namespace {

constexpr double Sigma = 0.65;      ///< standard deviation of the Gaussian, target pixels: full width 1.3 at one sigma
constexpr double HalfRegion = 2.0;  ///< half of the square sampled, target pixels

struct Matrix {
  double xx = 0, xy = 0, yx = 0, yy = 0;
};

/// The map's derivatives with singular values below one raised to one: a target pixel finer than those of the image
/// still looks at a whole image pixel.
Matrix padded(MappedPixel const& p) {
  // J = [[a, b], [c, d]] as the sum of a turn and a turned reflection: both singular values and vectors follow
  double const a = p.x_along_x, b = p.x_along_y, c = p.y_along_x, d = p.y_along_y;
  double const turn = std::hypot(a + d, c - b), mirror = std::hypot(a - d, c + b);
  double const large = 0.5 * (turn + mirror), small = 0.5 * std::abs(turn - mirror);
  if (small >= 1) return {a, b, c, d};
  double const angle_turn = std::atan2(c - b, a + d), angle_mirror = std::atan2(c + b, a - d);
  double const u = 0.5 * (angle_mirror + angle_turn), v = 0.5 * (angle_mirror - angle_turn);
  double const handed = turn >= mirror ? 1 : -1;  // sign of the determinant
  double const s0 = std::max(1.0, large), s1 = handed * std::max(1.0, small);
  // U diag(s0, s1) V^T with U and V turned by u and v
  double const cu = std::cos(u), su = std::sin(u), cv = std::cos(v), sv = std::sin(v);
  return {s0 * cu * cv + s1 * su * sv, s0 * cu * sv - s1 * su * cv, s0 * su * cv - s1 * cu * sv,
          s0 * su * sv + s1 * cu * cv};
}

float sample(MappedPixel const& pixel, ImagePart const& image) {
  constexpr float NaN = std::numeric_limits<float>::quiet_NaN();
  auto const j = padded(pixel);
  double const determinant = j.xx * j.yy - j.xy * j.yx;
  if (!std::isfinite(determinant) || determinant == 0 || !std::isfinite(pixel.x + pixel.y)) return NaN;
  double const reach_x = HalfRegion * (std::abs(j.xx) + std::abs(j.xy)),
               reach_y = HalfRegion * (std::abs(j.yx) + std::abs(j.yy));
  double const left = std::ceil(pixel.x - reach_x), right = std::floor(pixel.x + reach_x);
  double const low = std::ceil(pixel.y - reach_y), high = std::floor(pixel.y + reach_y);
  auto const& box = image.box;
  if (left < static_cast<double>(box.x0) || right > static_cast<double>(box.x1 - 1) ||
      low < static_cast<double>(box.y0) || high > static_cast<double>(box.y1 - 1))
    return NaN;
  double sum = 0, weights = 0;
  for (double y = low; y <= high; ++y) {
    float const* const row = image.data + (static_cast<std::int64_t>(y) - box.y0) * box.width() - box.x0;
    for (double x = left; x <= right; ++x) {
      double const dx = x - pixel.x, dy = y - pixel.y;
      double const u = (j.yy * dx - j.xy * dy) / determinant, v = (j.xx * dy - j.yx * dx) / determinant;
      if (std::abs(u) > HalfRegion || std::abs(v) > HalfRegion) continue;
      double const weight = std::exp(-0.5 * (u * u + v * v) / (Sigma * Sigma));
      sum += weight * static_cast<double>(row[static_cast<std::int64_t>(x)]);
      weights += weight;
    }
  }
  return static_cast<float>(sum / weights);  // a NaN among the values makes the sum NaN
}

}  // namespace

void reproject_adaptive(ImagePart const& image, model::PixelMap const& map, model::PixelBox const& target, float* out) {
  TESSERA_EXPECT(target.x0 >= 0 && target.y0 >= 0);
  MapDerivatives derivatives(map);
  std::vector<MappedPixel> pixels;
  for (std::int64_t y = target.y0; y < target.y1; ++y) {
    derivatives.evaluate_row(y, target.x0, target.x1, pixels);
    for (auto const& pixel : pixels) *out++ = sample(pixel, image);
  }
}

}  // namespace tessera::kernels
