// Which images hang together.
#pragma once
#include <algorithm>
#include <numeric>
#include <vector>

namespace tessera::exchange {

/// Disjoint sets of images, each named by its lowest member.
class ImageGroups {
 public:
  explicit ImageGroups(int images) : parent_(static_cast<std::size_t>(images)) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }
  int find(int image) {
    while (parent_[static_cast<std::size_t>(image)] != image)
      image = parent_[static_cast<std::size_t>(image)] =
          parent_[static_cast<std::size_t>(parent_[static_cast<std::size_t>(image)])];
    return image;
  }
  /// False when they were together already.
  bool join(int a, int b) {
    a = find(a);
    b = find(b);
    if (a == b) return false;
    parent_[static_cast<std::size_t>(std::max(a, b))] = std::min(a, b);
    return true;
  }

 private:
  std::vector<int> parent_;
};

}  // namespace tessera::exchange
