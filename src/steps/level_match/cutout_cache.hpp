// Cutouts of exposures, kept as long as the memory allows: a pair after another needs few of them anew.
#pragma once
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>

#include "tessera/exchange/loaded_exposure.hpp"
#include "tessera/kernels/pair_difference.hpp"

namespace tessera::steps {

/// A cutout and where its data lie.
struct MatchCutout {
  exchange::Cutout image;
  kernels::DataExtent extent;

  kernels::GridImage<float> view() const {
    return {image.value.data(), image.error.empty() ? nullptr : image.error.data(), image.box};
  }
  std::int64_t bytes() const {
    return static_cast<std::int64_t>((image.value.capacity() + image.error.capacity()) * sizeof(float));
  }
};

/// Least recently used go first. What is in use by a caller stays alive for it.
class CutoutCache {
 public:
  explicit CutoutCache(std::int64_t capacity_bytes) : capacity_(capacity_bytes) {}

  /// The cutout of `exposure`, made by `make` where it is not here. `make` may throw; then nothing is kept.
  std::shared_ptr<MatchCutout const> get(int exposure, std::function<MatchCutout()> const& make);
  void clear();

 private:
  struct Item {
    int exposure = 0;
    std::shared_ptr<MatchCutout const> cutout;
  };
  void drop_oldest();

  std::int64_t capacity_ = 0, bytes_ = 0;
  std::list<Item> items_;  ///< most recently used first
  std::map<int, std::list<Item>::iterator> place_;
};

}  // namespace tessera::steps
