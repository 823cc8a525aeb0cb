#include "tessera/sky/footprint.hpp"

#include <array>

namespace tessera::sky {

SkyPolygon footprint(Wcs const& wcs, std::int64_t nx, std::int64_t ny) {
  auto const box = bounding_box_or_array(wcs, nx, ny);
  std::array<double, 4> const x{box.x_low, box.x_low, box.x_high, box.x_high};
  std::array<double, 4> const y{box.y_low, box.y_high, box.y_high, box.y_low};
  std::array<double, 4> ra{}, dec{};
  wcs.pixel_to_sky(x, y, ra, dec);
  SkyPolygon polygon;
  for (std::size_t k = 0; k < 4; ++k) polygon.push_back({ra[k], dec[k]});
  return polygon;
}

}  // namespace tessera::sky
