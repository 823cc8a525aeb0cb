#include "tessera/model/sky_grid.hpp"

namespace tessera::model {

bool SkyGrid::operator==(SkyGrid const& other) const {
  return nx == other.nx && ny == other.ny && crpix.x == other.crpix.x && crpix.y == other.crpix.y &&
         crval.ra == other.crval.ra && crval.dec == other.crval.dec && cdelt == other.cdelt && pc == other.pc &&
         pixel_scale_ratio == other.pixel_scale_ratio && bounding_box == other.bounding_box;
}

}  // namespace tessera::model
