#include "solve_skies.hpp"

#include <cmath>
#include <limits>
#include <map>

namespace tessera::steps {

namespace {

constexpr double NaN = std::numeric_limits<double>::quiet_NaN();

/// Mean of the members of a group in the overlap with another, weighted by pixels (spec 30, 2.4).
struct GroupSum {
  double pixels = 0, weighted = 0;
  double level() const { return weighted / pixels; }
};

}  // namespace

TaskSkies solve_skies(SkymatchOptions const& options, SkyNeighbours const& neighbours,
                      std::span<std::vector<SkyMeasurement> const> measured) {
  TaskSkies skies;
  skies.group_levels.assign(static_cast<std::size_t>(neighbours.group_count), NaN);
  std::map<std::pair<int, int>, GroupSum> sums;  // of the first group where the second overlaps it
  for (std::size_t k = 0; k < measured.size(); ++k) {
    int const own = neighbours.groups[k];
    for (auto const& sky : measured[k]) {
      if (sky.pixels == 0) continue;
      if (sky.group == SkyMeasurement::Whole) {
        double& level = skies.group_levels[static_cast<std::size_t>(own)];
        if (!(level <= sky.level)) level = sky.level;
        continue;
      }
      auto& sum = sums[{own, static_cast<int>(sky.group)}];
      auto const pixels = static_cast<double>(sky.pixels);
      sum.pixels += pixels;
      sum.weighted += pixels * sky.level;
    }
  }
  for (auto const& [pair, here] : sums) {
    if (pair.first > pair.second) continue;
    auto const there = sums.find({pair.second, pair.first});
    if (there == sums.end()) continue;
    skies.overlaps.push_back(
        {pair.first, pair.second, here.level(), there->second.level(), here.pixels, there->second.pixels});
  }
  skies.group_skies = exchange::choose_skies(options.method, options.match_down, skies.group_levels, skies.overlaps);
  return skies;
}

}  // namespace tessera::steps
