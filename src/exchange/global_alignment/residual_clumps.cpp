#include "residual_clumps.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <utility>

#include "shift_search.hpp"

namespace tessera::exchange {

namespace {
constexpr double LargestClumpDistance = 1.0;  // arcsec
constexpr double LeastShare = 1.0 / 6;
constexpr double LeastImageOffset = 0.02;  // arcsec

/// For every group, where its stars in the chains are by what the others say.
std::vector<std::vector<sky::Vector3>> expected_stars(GroupLists const& lists, Adjustment const& adjustment,
                                                      JointSolution const& solution) {
  auto const& chains = solution.chains;
  std::vector<std::vector<sky::Vector3>> expected(lists.groups.size());
  std::map<int, std::pair<sky::Vector3, double>> by_group;  // sums of direction * weight, and of weight, of a chain
  for (std::size_t c = 0; c < chains.size(); ++c) {
    by_group.clear();
    sky::Vector3 sum;
    double total = 0;
    for (auto k = chains.start[c]; k < chains.start[c + 1]; ++k) {
      auto const& m = chains.members[k];
      double const weight = solution.robust[k] / m.variance;
      auto const direction = weight * adjustment.corrected(m.direction, m.group, m.image);
      auto& [own, own_weight] = by_group[m.group];
      own = own + direction;
      own_weight += weight;
      sum = sum + direction;
      total += weight;
    }
    for (auto const& [group, own] : by_group)
      if (group != TheDatum && own.second > 0 && own.second < 0.999 * total)
        expected[static_cast<std::size_t>(group)].push_back((1 / (total - own.second)) * (sum - own.first));
  }
  return expected;
}

/// Stars of an island that are in no chain, with the group that has them.
std::vector<std::pair<int, sky::Vector3>> single_stars(GroupLists const& lists, Islands const& islands, int island,
                                                       Adjustment const& adjustment,
                                                       std::vector<std::vector<sky::Vector3>> const& expected,
                                                       double radius) {
  std::vector<std::pair<int, sky::Vector3>> single;
  auto const add = [&](GroupList const& group, int number, std::vector<PlanePosition> const& linked) {
    PlaneGrid const grid(linked, radius);
    for (auto const& star : group.stars) {
      auto const direction = adjustment.corrected(star.direction, number, group.first_image);
      if (grid.nearest(to_plane(group.axes, direction), radius) < 0) single.emplace_back(number, direction);
    }
  };
  std::vector<PlanePosition> linked, of_datum;
  for (std::size_t g = 0; g < lists.groups.size(); ++g) {
    if (islands.of_group[g] != island) continue;
    linked.clear();
    for (auto const& direction : expected[g]) {
      linked.push_back(to_plane(lists.groups[g].axes, direction));
      if (!lists.datum.stars.empty()) of_datum.push_back(to_plane(lists.datum.axes, direction));
    }
    add(lists.groups[g], static_cast<int>(g), linked);
  }
  if (islands.has_datum[static_cast<std::size_t>(island)]) add(lists.datum, TheDatum, of_datum);
  return single;
}

}  // namespace

std::vector<std::optional<ResidualClump>> find_second_clumps(GroupLists const& lists, Islands const& islands,
                                                             Adjustment const& adjustment,
                                                             JointSolution const& solution,
                                                             GlobalAlignmentOptions const& options) {
  double const reach = std::min(LargestClumpDistance, options.searchrad);
  double const tolerance = std::clamp(4 * solution.typical_error, 0.02, 0.2);
  auto const expected = expected_stars(lists, adjustment, solution);
  std::vector<std::optional<ResidualClump>> clumps(lists.groups.size());
  for (std::size_t island = 0; island < islands.has_datum.size(); ++island) {
    auto const single = single_stars(lists, islands, static_cast<int>(island), adjustment, expected, solution.radius);
    for (std::size_t g = 0; g < lists.groups.size(); ++g) {
      if (islands.of_group[g] != static_cast<int>(island) || expected[g].empty()) continue;
      auto const& own = lists.groups[g];
      std::vector<PlanePosition> stars, differences;
      for (auto const& star : own.stars)
        stars.push_back(to_plane(own.axes, adjustment.corrected(star.direction, static_cast<int>(g), own.first_image)));
      PlaneGrid const grid(stars, reach);
      auto const compare = [&](sky::Vector3 direction) {
        auto const at = to_plane(own.axes, direction);
        grid.visit_near(at, std::numbers::sqrt2 * reach, [&](int k, double) {
          auto const& p = stars[static_cast<std::size_t>(k)];
          differences.push_back({at.x - p.x, at.y - p.y});
        });
      };
      for (auto const& direction : expected[g]) compare(direction);
      for (auto const& [group, direction] : single)
        if (group != static_cast<int>(g)) compare(direction);
      auto const search = search_shift(differences, reach, tolerance, 0);
      auto const& rival = search.rival;
      double const excess = rival.count - rival.expected, most = search.best.count - search.best.expected;
      if (excess >= std::max<double>(options.minobj, LeastShare * most) &&
          rival.log10_chance + std::log10(search.places) < std::log10(options.significance))
        clumps[g] = ResidualClump{rival.shift, excess / most};
    }
  }
  return clumps;
}

std::vector<ImageOffset> find_image_offsets(JointSolution const& solution, int group, int minobj) {
  struct Sum {
    double x = 0, y = 0, weight = 0;
    int count = 0;
  };
  std::map<int, Sum> sums;
  auto const& members = solution.chains.members;
  for (std::size_t k = 0; k < members.size(); ++k) {
    auto const& r = solution.residuals[k];
    if (members[k].group != group || solution.robust[k] <= 0 || r.share >= 0.999) continue;
    // The mean of the chain has the member in it: without it the difference is larger, and so is its variance.
    double const rest = 1 - r.share, weight = rest / members[k].variance;
    auto& sum = sums[members[k].image];
    sum.x += weight * r.x / rest;
    sum.y += weight * r.y / rest;
    sum.weight += weight;
    ++sum.count;
  }
  std::vector<ImageOffset> found;
  if (sums.size() < 2) return found;
  for (auto const& [image, sum] : sums) {
    if (sum.count < std::max(3, minobj)) continue;
    double const x = sum.x / sum.weight, y = sum.y / sum.weight, size = std::hypot(x, y);
    if (size > LeastImageOffset && size * std::sqrt(sum.weight) > 5) found.push_back({image, {x, y}});
  }
  return found;
}

}  // namespace tessera::exchange
