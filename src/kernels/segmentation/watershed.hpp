// Regions that grow from markers over the pixels of a segment, the highest first.
#pragma once
#include <array>
#include <cstdint>
#include <queue>
#include <vector>

#include "tessera/model/blocks.hpp"

namespace tessera::kernels {

/// Floods -values from labelled pixels: every free pixel takes the label of the neighbour that is reached first, by
/// value, then by age.
class Watershed {
 public:
  static constexpr std::int32_t Outside = -1, Free = 0;

  /// `labels`: > 0 markers, Free or Outside. Both [height][width], of less than 2^32 pixels, and the caller's.
  Watershed(float const* values, std::int32_t* labels, std::int64_t width, std::int64_t height, int connectivity);

  /// Labels the free pixels that markers within `box` or next to it can reach; all free pixels must lie in `box`.
  /// `claim(index, label)` is told of every one.
  template <class Claim>
  void flood(model::PixelBox const& box, Claim claim) {
    seed(box);
    while (!queue_.empty()) {
      auto const next = queue_.top();
      queue_.pop();
      each_free_neighbour(next.index, [&](std::int64_t neighbour) {
        labels_[neighbour] = labels_[next.index];
        claim(neighbour, labels_[neighbour]);
        queue_.push({values_[neighbour], ++age_, static_cast<std::uint32_t>(neighbour)});
      });
    }
  }

 private:
  struct Pixel {
    float value;
    std::uint32_t age, index;
    /// Comes after `other`.
    bool operator<(Pixel const& other) const {
      if (value != other.value) return value < other.value;
      if (age != other.age) return age > other.age;
      return index > other.index;
    }
  };

  void seed(model::PixelBox const& box);

  template <class Take>
  void each_free_neighbour(std::int64_t index, Take take) const {
    auto const x = index % width_, y = index / width_;
    for (int k = 0; k < connectivity_; ++k) {
      auto const nx = x + Offsets[static_cast<std::size_t>(k)][0], ny = y + Offsets[static_cast<std::size_t>(k)][1];
      if (nx < 0 || ny < 0 || nx >= width_ || ny >= height_) continue;
      auto const neighbour = ny * width_ + nx;
      if (labels_[neighbour] == Free) take(neighbour);
    }
  }

  /// The nearer ones first.
  static constexpr std::array<std::array<int, 2>, 8> Offsets{
      {{0, -1}, {-1, 0}, {1, 0}, {0, 1}, {-1, -1}, {1, -1}, {-1, 1}, {1, 1}}};

  float const* values_;
  std::int32_t* labels_;
  std::int64_t width_, height_;
  int connectivity_;
  std::uint32_t age_ = 0;
  std::priority_queue<Pixel> queue_;
};

}  // namespace tessera::kernels
