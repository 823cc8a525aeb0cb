// The image of pj_row_median.json.
#pragma once
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "support/vector_noise.hpp"

namespace tessera::test {

inline constexpr int RowMedianSide = 64;

inline std::vector<double> make_row_median_input() {
  constexpr int N = RowMedianSide;
  VectorNoise stripes(2024), noise(99);
  std::vector<double> rows, columns;
  std::vector<std::vector<double>> amplifiers;
  for (int i = 0; i < N; ++i) rows.push_back(0.3 * std::sin(2 * std::numbers::pi * i / 5) + 0.1 * stripes.deviate());
  for (int q = 0; q < 4; ++q) amplifiers.push_back(stripes.deviates(N));
  for (int j = 0; j < N; ++j) columns.push_back(0.2 * stripes.deviate());
  std::vector<double> image;
  for (std::size_t y = 0; y < N; ++y)
    for (std::size_t x = 0; x < N; ++x)
      image.push_back(0.05 * noise.deviate() + rows[y] + columns[x] + 0.1 * amplifiers[x / 16][y]);
  return image;
}

inline std::vector<std::uint8_t> make_row_median_mask(nlohmann::json const& vector) {
  std::vector<std::uint8_t> mask(RowMedianSide * RowMedianSide, 0);
  for (auto const& box : vector["input"]["mask_rows_cols_halfopen"])
    for (int y = box[0]; y < box[1]; ++y)
      for (int x = box[2]; x < box[3]; ++x) mask[static_cast<std::size_t>(y * RowMedianSide + x)] = 1;
  return mask;
}

}  // namespace tessera::test
