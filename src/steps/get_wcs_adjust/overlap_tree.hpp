// In which order images are matched to each other: by their overlaps (spec 40, 1.7, cross_corr).
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace tessera::steps {

/// Two images with pixels in common.
struct OverlapPair {
  int first = 0, second = 0;  ///< first < second
  std::int64_t pixels = 0;
  bool is_usable = true;  ///< false: its shift could not be measured
};

/// An image that is matched to one that is matched already.
struct TreeEdge {
  int image = 0, reference = 0;
  int pair = 0;  ///< number of the pair
};

struct OverlapTree {
  std::vector<TreeEdge> edges;  ///< in the order of matching
  std::vector<int> references;  ///< images that the others are matched to in the end, one a group of neighbours
};

/// The reference is the first image of the pair with the largest overlap; then again and again the image that shares
/// most pixels with any matched one is matched to that one. Images that these do not reach have a reference of their
/// own, found likewise. Ties: the earlier pair. Images in no usable pair are in no group.
OverlapTree grow_tree(int images, std::span<OverlapPair const> pairs);

}  // namespace tessera::steps
