#include <algorithm>
#include <cmath>
#include <map>

#include "../level_graph/image_groups.hpp"
#include "group_lists.hpp"
#include "pair_fit.hpp"

namespace tessera::exchange {

namespace {

constexpr double SearchRadius = 1.0;  // arcsec: images of a group are nearer than that
constexpr double Agreement = 0.06;    // arcsec, and five standard errors: offsets of detectors are no slip

struct ImagePair {
  std::size_t first = 0, second = 0;  ///< places in the list of images of the group
  PlanePosition shift;                ///< first minus second
  bool does_agree = true;
};

/// Pairs of images of the group that have significantly many stars in common.
std::vector<ImagePair> compare_images(GroupLists const& lists, GroupList const& group,
                                      GlobalAlignmentOptions const& options) {
  GlobalAlignmentOptions within = options;
  within.searchrad = std::min(SearchRadius, options.searchrad);
  within.with_rotation = false;
  std::vector<PairList> of_image(group.images.size());
  std::map<int, std::size_t> place;
  for (std::size_t k = 0; k < group.images.size(); ++k) place[group.images[k]] = k;
  for (auto const& s : group.sightings) {
    auto& list = of_image[place[s.image]];
    list.at.push_back(to_plane(group.axes, s.direction));
    list.brightness.push_back(s.brightness);
    list.density = group.density;
  }
  auto const images = static_cast<double>(group.images.size());
  double const limit = std::log10(options.significance / (images * images));
  std::vector<ImagePair> pairs;
  for (std::size_t a = 0; a < group.images.size(); ++a)
    for (std::size_t b = a + 1; b < group.images.size(); ++b) {
      if (!are_near(lists.shapes[static_cast<std::size_t>(group.images[a])],
                    lists.shapes[static_cast<std::size_t>(group.images[b])], 0))
        continue;
      auto const fit = fit_pair(of_image[a], of_image[b], within, limit);
      if (fit.verdict != AlignStatus::Success) continue;
      double const error = fit.scatter / std::sqrt(static_cast<double>(fit.pairs.size()));
      bool const does_agree = std::hypot(fit.shift.x, fit.shift.y) <= Agreement + 5 * error;
      pairs.push_back({a, b, fit.shift, does_agree});
    }
  return pairs;
}

}  // namespace

void leave_out_slipped_images(GroupLists& lists, GlobalAlignmentOptions const& options) {
  for (std::size_t g = 0; g < lists.groups.size(); ++g) {
    auto& group = lists.groups[g];
    if (group.images.size() < 2) continue;
    auto const pairs = compare_images(lists, group, options);
    if (std::all_of(pairs.begin(), pairs.end(), [](ImagePair const& pair) { return pair.does_agree; })) continue;
    ImageGroups parts(static_cast<int>(group.images.size()));
    for (auto const& pair : pairs)
      if (pair.does_agree) parts.join(static_cast<int>(pair.first), static_cast<int>(pair.second));
    std::map<int, int> size;
    for (int k = 0; k < static_cast<int>(group.images.size()); ++k) ++size[parts.find(k)];
    // Of two parts that disagree the smaller goes; where they are as large, nobody knows.
    std::vector<bool> is_out(group.images.size(), false);
    bool is_torn = false;
    for (auto const& pair : pairs) {
      if (pair.does_agree) continue;
      int const first = parts.find(static_cast<int>(pair.first)), second = parts.find(static_cast<int>(pair.second));
      if (size[first] == size[second]) is_torn = true;
      bool const is_first = size[first] < size[second];
      auto const loser = is_first ? pair.first : pair.second;
      if (is_out[loser] || size[first] == size[second]) continue;
      is_out[loser] = true;
      lists.slipped.push_back(
          {group.images[loser], is_first ? PlanePosition{-pair.shift.x, -pair.shift.y} : pair.shift});
    }
    if (is_torn) lists.torn.push_back(static_cast<int>(g));
    std::erase_if(group.sightings, [&](Sighting const& s) {
      auto const k = std::find(group.images.begin(), group.images.end(), s.image) - group.images.begin();
      return is_torn || is_out[static_cast<std::size_t>(k)];
    });
  }
}

}  // namespace tessera::exchange
