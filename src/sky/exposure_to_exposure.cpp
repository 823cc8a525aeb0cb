#include "tessera/sky/exposure_to_exposure.hpp"

#include <vector>

#include "fit_pixel_map.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/sky/exact_inverse.hpp"

namespace tessera::sky {

model::PixelMap map_exposure_to_exposure(Wcs const& from, model::PixelBox const& part, Wcs const& to, std::int64_t nx,
                                         std::int64_t ny) {
  TESSERA_EXPECT(!part.empty() && nx > 0 && ny > 0);
  model::PixelMap map;
  map.nx = part.width();
  map.ny = part.height();
  map.valid = {0, 0, map.nx, map.ny};
  double const x0 = static_cast<double>(part.x0), y0 = static_cast<double>(part.y0);
  std::vector<double> ra, dec;
  auto const exact = [&](std::vector<double>& x, std::vector<double>& y) {
    for (double& value : x) value += x0;
    for (double& value : y) value += y0;
    ra.resize(x.size());
    dec.resize(x.size());
    from.pixel_to_sky(x, y, ra, dec);
    exact_sky_to_pixel(to, ra, dec, x, y);
  };
  fit_pixel_map(map, exact, model::PixelBox{0, 0, nx, ny});
  return map;
}

}  // namespace tessera::sky
