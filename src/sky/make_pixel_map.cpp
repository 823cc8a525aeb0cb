#include "tessera/sky/make_pixel_map.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "fit_pixel_map.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/sky/grid_wcs.hpp"

namespace tessera::sky {

namespace {

using model::PixelBox;
using model::PixelMap;

/// Exact positions: the WCS of the exposure, then the projection of the grid.
class ExactMap {
 public:
  ExactMap(Wcs const& exposure, model::SkyGrid const& grid)
      : exposure_(exposure), projection_(GridWcs(grid).projection()) {}

  /// Replaces pixels (x, y) of the exposure by pixels of the grid; NaN where there is none.
  void operator()(std::vector<double>& x, std::vector<double>& y) {
    ra_.resize(x.size());
    dec_.resize(x.size());
    exposure_.pixel_to_sky(x, y, ra_, dec_);
    auto const [row_x, row_y, row_w] = projection_;
    for (std::size_t k = 0; k < x.size(); ++k) {
      Vector3 const n = to_vector(ra_[k], dec_[k]);
      double const w = dot(row_w, n);
      x[k] = w > 0 ? dot(row_x, n) / w : std::numeric_limits<double>::quiet_NaN();
      y[k] = w > 0 ? dot(row_y, n) / w : std::numeric_limits<double>::quiet_NaN();
    }
  }

 private:
  Wcs const& exposure_;
  std::array<Vector3, 3> projection_;
  std::vector<double> ra_, dec_;
};

/// Pixels with a position: those whose centres lie in the box, both ends included (spec 30, 4.3: outside of it the map
/// is NaN, whatever the rounded range says).
PixelBox valid_pixels(BoundingBox const& box, std::int64_t nx, std::int64_t ny) {
  auto const first = [](double edge, std::int64_t n) {
    return static_cast<std::int64_t>(std::clamp(std::ceil(edge), 0.0, static_cast<double>(n)));
  };
  auto const last = [](double edge, std::int64_t n) {
    return static_cast<std::int64_t>(std::clamp(std::floor(edge) + 1, 0.0, static_cast<double>(n)));
  };
  PixelBox const valid{first(box.x_low, nx), first(box.y_low, ny), last(box.x_high, nx), last(box.y_high, ny)};
  return valid.empty() ? PixelBox{} : valid;
}

}  // namespace

PixelMap make_pixel_map(Wcs const& exposure, std::int64_t nx, std::int64_t ny, model::SkyGrid const& grid) {
  TESSERA_EXPECT(nx > 0 && ny > 0);
  PixelMap map;
  map.nx = nx;
  map.ny = ny;
  map.valid = valid_pixels(bounding_box_or_array(exposure, nx, ny), nx, ny);
  ExactMap exact(exposure, grid);
  fit_pixel_map(map, [&exact](std::vector<double>& x, std::vector<double>& y) { exact(x, y); }, {});
  return map;
}

}  // namespace tessera::sky
