// How strong a template is in an image.
#pragma once
#include <cstdint>
#include <span>

namespace tessera::kernels {

struct TemplateFit {
  double scale = 0;       ///< image = scale * template + a plane a cell
  double error = 0;       ///< of the scale, from how the residuals of the cells scatter
  std::int64_t used = 0;  ///< pixels
};

/// Least squares over the pixels of `image` [ny][nx] outside `mask` where image and template are finite, with those
/// farther than three standard deviations (by the median deviation) from the fit left out until nothing changes, at
/// most ten times. Each cell of 128 x 128 pixels has a constant and slopes of its own, so that light wider than these
/// is not taken for the template; no cell reaches over a border between amplifiers, columns [bounds[a], bounds[a + 1]).
/// Sums in a fixed order. A template that does not
/// vary, or nothing to fit: scale and error 0, used 0.
TemplateFit fit_template(std::span<float const> image, std::span<float const> pattern,
                         std::span<std::uint8_t const> mask, std::int64_t nx, std::int64_t ny,
                         std::span<std::int64_t const> bounds);

}  // namespace tessera::kernels
