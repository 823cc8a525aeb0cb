// Stars of a catalogue on the simulated sky.
#include <fmt/format.h>

#include <cmath>

#include "tessera/core/error.hpp"
#include "tessera/simulate/scene.hpp"
#include "tessera/sky/unit_vector.hpp"
#include "tessera/store/star_catalogue.hpp"

namespace tessera::simulate {
namespace {

constexpr double Reach = 0.5;  ///< degrees: stars further from the target are left out

}  // namespace

std::vector<model::SkyPoint> read_star_list(config::SimulatedTarget const& target) {
  auto const centre = sky::to_vector(target.ra, target.dec);
  auto const catalogue = store::read_star_catalogue(target.star_list);
  std::vector<model::SkyPoint> positions;
  for (model::Star const& star : catalogue.stars)
    if (sky::separation(centre, sky::to_vector(star.ra, star.dec)) * sky::DegreesPerRadian < Reach)
      positions.push_back({star.ra, star.dec});
  if (positions.empty())
    throw ConfigError({"a star list of another part of the sky", target.star_list.string(),
                       fmt::format("stars within {} degree of '{}'", Reach, target.name),
                       fmt::format("{} stars, none of them there", catalogue.stars.size()),
                       "correct targets.ra, targets.dec or targets.star_list"});
  return positions;
}

}  // namespace tessera::simulate
