#include "tessera/sky/grid_gwcs.hpp"

#include "tessera/sky/transforms.hpp"

namespace tessera::sky {

std::shared_ptr<Gwcs const> make_grid_gwcs(model::SkyGrid const& grid) {
  auto shift = join(std::make_shared<Shift>(-grid.crpix.x), std::make_shared<Shift>(-grid.crpix.y));
  auto rotate = std::make_shared<Affine>(grid.pc, std::array<double, 2>{0, 0});
  auto scale = join(std::make_shared<Scale>(grid.cdelt[0]), std::make_shared<Scale>(grid.cdelt[1]));
  auto project = std::make_shared<Gnomonic>(Gnomonic::Direction::PixelToSky);
  auto to_sky = std::make_shared<Rotate3D>(grid.crval.ra, grid.crval.dec, 180.0, "native2celestial");
  auto plane = chain(chain(std::move(rotate), std::move(scale)), chain(std::move(project), std::move(to_sky)));
  auto whole = chain(std::move(shift), std::move(plane));
  auto const names = input_names(*whole);
  whole->common.bounding_box = {{names.at(0), grid.bounding_box[0][0], grid.bounding_box[0][1]},
                                {names.at(1), grid.bounding_box[1][0], grid.bounding_box[1][1]}};
  GwcsFrame const detector{"detector", GwcsFrame::Kind::Plain2D, {"x", "y"}, {"pixel", "pixel"}};
  GwcsFrame const world{"world", GwcsFrame::Kind::Celestial, {"lon", "lat"}, {"deg", "deg"}};
  return std::make_shared<Gwcs>("", std::vector<GwcsStep>{{detector, whole}, {world, nullptr}});
}

}  // namespace tessera::sky
