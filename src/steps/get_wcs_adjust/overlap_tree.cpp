#include "overlap_tree.hpp"

namespace tessera::steps {

OverlapTree grow_tree(int images, std::span<OverlapPair const> pairs) {
  OverlapTree tree;
  std::vector<bool> matched(static_cast<std::size_t>(images), false);
  auto const is_matched = [&](int image) { return matched[static_cast<std::size_t>(image)]; };
  // The pair with the largest overlap of which so many images are matched; -1: none.
  auto const largest = [&](int of_them) {
    int best = -1;
    for (std::size_t p = 0; p < pairs.size(); ++p) {
      auto const& pair = pairs[p];
      if (!pair.is_usable || pair.pixels <= 0) continue;
      if (static_cast<int>(is_matched(pair.first)) + static_cast<int>(is_matched(pair.second)) != of_them) continue;
      if (best < 0 || pair.pixels > pairs[static_cast<std::size_t>(best)].pixels) best = static_cast<int>(p);
    }
    return best;
  };
  for (int start = largest(0); start >= 0; start = largest(0)) {
    tree.references.push_back(pairs[static_cast<std::size_t>(start)].first);
    matched[static_cast<std::size_t>(tree.references.back())] = true;
    for (int next = largest(1); next >= 0; next = largest(1)) {
      auto const& pair = pairs[static_cast<std::size_t>(next)];
      bool const first_is_new = !is_matched(pair.first);
      tree.edges.push_back(first_is_new ? TreeEdge{pair.first, pair.second, next}
                                        : TreeEdge{pair.second, pair.first, next});
      matched[static_cast<std::size_t>(tree.edges.back().image)] = true;
    }
  }
  return tree;
}

}  // namespace tessera::steps
