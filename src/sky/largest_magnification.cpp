#include <algorithm>
#include <cmath>

#include "tessera/sky/make_pixel_map.hpp"

namespace tessera::sky {

double largest_magnification(model::PixelMap const& map) {
  double largest = 0;
  constexpr std::int64_t Size = model::PixelMap::PatchSize;
  double X[2][2], Y[2][2];
  for (std::int64_t y0 = 0; y0 < map.ny; y0 += Size)
    for (std::int64_t x0 = 0; x0 < map.nx; x0 += Size) {
      std::int64_t const x1 = std::min(x0 + Size, map.nx) - 2, y1 = std::min(y0 + Size, map.ny) - 2;
      for (auto const y : {y0, (y0 + y1) / 2, y1})
        for (auto const x : {x0, (x0 + x1) / 2, x1}) {
          if (x < 0 || y < 0) continue;
          map.evaluate_row(y, x, x + 2, X[0], Y[0]);
          map.evaluate_row(y + 1, x, x + 2, X[1], Y[1]);
          double const along_x = std::hypot(X[0][1] - X[0][0], Y[0][1] - Y[0][0]);
          double const along_y = std::hypot(X[1][0] - X[0][0], Y[1][0] - Y[0][0]);
          for (double const step : {along_x, along_y})
            if (std::isfinite(step)) largest = std::max(largest, step);
        }
    }
  return 1.1 * largest;
}

}  // namespace tessera::sky
