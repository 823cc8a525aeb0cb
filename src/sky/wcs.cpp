#include "tessera/sky/wcs.hpp"

namespace tessera::sky {

BoundingBox bounding_box_or_array(Wcs const& wcs, std::int64_t nx, std::int64_t ny) {
  if (auto const box = wcs.bounding_box()) return *box;
  return {-0.5, static_cast<double>(nx) - 0.5, -0.5, static_cast<double>(ny) - 0.5};
}

}  // namespace tessera::sky
