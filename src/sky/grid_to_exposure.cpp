#include "tessera/sky/grid_to_exposure.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "tessera/core/contract.hpp"
#include "tessera/sky/exposure_to_exposure.hpp"
#include "tessera/sky/grid_wcs.hpp"

namespace tessera::sky {

namespace {

using model::PixelBox;

constexpr int EdgePoints = 11;

/// Grid pixels under the outline of an nx x ny exposure; empty when a point of the outline has no position.
PixelBox outline_box(Wcs const& exposure, std::int64_t nx, std::int64_t ny, GridWcs const& grid) {
  std::vector<double> x, y;
  double const width = static_cast<double>(nx), height = static_cast<double>(ny);
  for (int k = 0; k < EdgePoints; ++k) {
    double const t = static_cast<double>(k) / (EdgePoints - 1);
    for (double const side : {0.0, 1.0}) {
      x.push_back(t * width - 0.5);
      y.push_back(side * height - 0.5);
      x.push_back(side * width - 0.5);
      y.push_back(t * height - 0.5);
    }
  }
  std::vector<double> ra(x.size()), dec(x.size());
  exposure.pixel_to_sky(x, y, ra, dec);
  grid.sky_to_pixel(ra, dec, x, y);
  double low[2], high[2];
  std::vector<double> const* const axes[] = {&x, &y};
  for (int axis = 0; axis < 2; ++axis) {
    auto const& values = *axes[axis];
    if (!std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); })) return {};
    auto const [least, most] = std::minmax_element(values.begin(), values.end());
    // far outside any grid there is nothing to tell apart, and whole numbers must hold it
    constexpr double Far = 1e15;
    low[axis] = std::clamp(std::floor(*least + 0.5), -Far, Far);
    high[axis] = std::clamp(std::ceil(*most + 0.5), -Far, Far);
  }
  auto const whole = [](double v) { return static_cast<std::int64_t>(v); };
  return {whole(low[0]), whole(low[1]), whole(high[0]), whole(high[1])};
}

}  // namespace

GridToExposure map_grid_to_exposure(Wcs const& exposure, std::int64_t nx, std::int64_t ny, model::SkyGrid const& grid) {
  TESSERA_EXPECT(nx > 0 && ny > 0);
  GridWcs const grid_wcs(grid);
  GridToExposure result;
  result.box = model::intersect(outline_box(exposure, nx, ny, grid_wcs), {0, 0, grid.nx, grid.ny});
  if (result.box.empty()) {
    result.box = {};
    return result;
  }
  result.map = map_exposure_to_exposure(grid_wcs, result.box, exposure, nx, ny);
  return result;
}

}  // namespace tessera::sky
