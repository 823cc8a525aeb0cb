#include "merge_stars.hpp"

#include <cmath>
#include <map>
#include <tuple>

#include "tessera/sky/unit_vector.hpp"

namespace tessera::steps {

namespace {

struct Merged {
  sky::Vector3 first, sum;
};

}  // namespace

std::vector<model::Star> merge_stars(std::span<std::vector<model::Star> const> lists, double radius) {
  double const side = radius / 3600 * sky::RadiansPerDegree;
  using Cell = std::tuple<std::int64_t, std::int64_t, std::int64_t>;
  auto const cell_of = [&](sky::Vector3 const& n) {
    auto const floor = [&](double value) { return static_cast<std::int64_t>(std::floor(value / side)); };
    return Cell{floor(n.x), floor(n.y), floor(n.z)};
  };
  std::vector<Merged> all;
  std::map<Cell, std::vector<std::size_t>> cells;
  // Nearest star within the radius: its cell, or one beside it.
  auto const find = [&](sky::Vector3 const& n) {
    auto const [x, y, z] = cell_of(n);
    auto best = all.size();
    double least = side;
    for (auto i = x - 1; i <= x + 1; ++i)
      for (auto j = y - 1; j <= y + 1; ++j)
        for (auto k = z - 1; k <= z + 1; ++k) {
          auto const found = cells.find({i, j, k});
          if (found == cells.end()) continue;
          for (auto const star : found->second) {
            double const distance = sky::length(all[star].first - n);
            if (distance > least || (distance == least && star > best)) continue;
            least = distance;
            best = star;
          }
        }
    return best;
  };
  for (auto const& list : lists)
    for (auto const& star : list) {
      if (!std::isfinite(star.ra) || !std::isfinite(star.dec)) continue;
      auto const n = sky::to_vector(star.ra, star.dec);
      auto const same = find(n);
      if (same < all.size()) {
        all[same].sum = all[same].sum + n;
      } else {
        cells[cell_of(n)].push_back(all.size());
        all.push_back({n, n});
      }
    }
  std::vector<model::Star> merged(all.size());
  for (std::size_t k = 0; k < all.size(); ++k) {
    auto const at = sky::to_sky(all[k].sum);
    merged[k].ra = at.ra;
    merged[k].dec = at.dec;
  }
  return merged;
}

}  // namespace tessera::steps
