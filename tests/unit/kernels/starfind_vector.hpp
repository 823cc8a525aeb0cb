// The inputs of starfind_cases.json.
#pragma once
#include <cmath>
#include <cstdint>
#include <vector>

#include "support/test_files.hpp"

namespace tessera::test {

/// An image of a vector, null as NaN, less `offset`.
struct VectorImage {
  explicit VectorImage(nlohmann::json const& rows, double offset = 0)
      : nx(static_cast<std::int64_t>(rows[0].size())), ny(static_cast<std::int64_t>(rows.size())) {
    for (auto const& row : rows)
      for (auto const& value : row)
        values.push_back(value.is_null() ? NAN : static_cast<float>(value.get<double>() - offset));
  }
  std::int64_t nx, ny;
  std::vector<float> values;
};

/// 1 within rectangles [y0, y1, x0, x1], upper ends excluded.
inline std::vector<std::uint8_t> mask_rectangles(nlohmann::json const& rectangles, std::int64_t nx, std::int64_t ny) {
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(nx * ny), 0);
  for (auto const& r : rectangles)
    for (std::int64_t y = r[0]; y < r[1].get<std::int64_t>(); ++y)
      for (std::int64_t x = r[2]; x < r[3].get<std::int64_t>(); ++x) mask[static_cast<std::size_t>(y * nx + x)] = 1;
  return mask;
}

/// Gaussian spots of `fwhm` pixels on `image`: {x, y, amplitude}.
struct Spot {
  double x, y, amplitude;
};
inline void add_spots(std::vector<float>& image, std::int64_t nx, std::vector<Spot> const& spots, double fwhm) {
  double const two_sigma2 = fwhm * fwhm / (4 * std::log(2.0));
  for (std::size_t k = 0; k < image.size(); ++k) {
    auto const x = static_cast<double>(static_cast<std::int64_t>(k) % nx),
               y = static_cast<double>(static_cast<std::int64_t>(k) / nx);
    for (auto const& spot : spots) {
      double const r2 = (x - spot.x) * (x - spot.x) + (y - spot.y) * (y - spot.y);
      if (r2 < 16 * two_sigma2) image[k] += static_cast<float>(spot.amplitude * std::exp(-r2 / two_sigma2));
    }
  }
}

}  // namespace tessera::test
