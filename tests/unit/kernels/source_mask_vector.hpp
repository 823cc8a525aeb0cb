// The image of pj_source_mask.json.
#pragma once
#include <cmath>

#include "support/vector_noise.hpp"

namespace tessera::test {

inline constexpr int SourceMaskSide = 64;

inline std::vector<double> make_source_mask_input() {
  struct Source {
    double x, y, amplitude, sigma;
  };
  constexpr Source sources[] = {{12, 15, 5, 1.5}, {40, 20, 3, 1}, {41, 45, 1.2, 2.5}, {10, 55, 0.9, 0.6}};
  VectorNoise random(777);
  std::vector<double> image;
  for (int y = 0; y < SourceMaskSide; ++y)
    for (int x = 0; x < SourceMaskSide; ++x) {
      double value = 1 + 0.1 * random.deviate();
      for (auto const& s : sources)
        value += s.amplitude * std::exp(-((x - s.x) * (x - s.x) + (y - s.y) * (y - s.y)) / (2 * s.sigma * s.sigma));
      image.push_back(value);
    }
  image[31 * SourceMaskSide + 55] = 50;
  return image;
}

/// y 30..33, x 50..59.
inline std::vector<std::uint8_t> make_source_mask_flags() {
  std::vector<std::uint8_t> mask(SourceMaskSide * SourceMaskSide, 0);
  for (int y = 30; y <= 33; ++y)
    for (int x = 50; x <= 59; ++x) mask[static_cast<std::size_t>(y * SourceMaskSide + x)] = 1;
  return mask;
}

}  // namespace tessera::test
