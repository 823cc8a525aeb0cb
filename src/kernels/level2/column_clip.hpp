// Clipping of the samples of one pixel in many images, sixteen pixels at a time (spec 20, 2.4).
#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "tessera/kernels/combine_backgrounds.hpp"

namespace tessera::kernels {

/// Pixels taken at a time: samples of a pixel lie far apart, and a cache line of each image is used whole.
inline constexpr std::size_t Lane = 16;

/// Samples from low to high, both included, are kept. Of a pixel without samples none are: low > high.
struct ClipLimits {
  double low[Lane], high[Lane];
};

/// Exchanges that sort `depth` samples whatever they are: merge exchange (Batcher 1968; Knuth 5.2.2, algorithm M). The
/// same for all pixels, so that they are sorted side by side.
class SortingNetwork {
 public:
  explicit SortingNetwork(std::size_t depth);
  std::size_t depth() const { return depth_; }
  /// `samples` is [depth][Lane]; no NaN.
  void sort(float* samples) const;

 private:
  std::size_t depth_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> exchanges_;
};

/// Limits of the last round of clipping of each pixel. `samples` is [depth][Lane], +inf where a pixel has none; it is
/// sorted. `column` is room for `depth` values. The order of the samples changes no bit of the answer.
ClipLimits find_clip_limits(SortingNetwork const& network, float* samples, BackgroundClip const& clip,
                            std::vector<double>& column);

}  // namespace tessera::kernels
