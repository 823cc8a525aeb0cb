// Takes the diffuse light off an image in which stripes are to be measured (spec 40, 1.5, DIFFUSE).
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tessera/kernels/high_pass.hpp"

namespace tessera::kernels {

struct DiffuseOptions {
  HighPass filter;
  double sigma = 3;                  ///< of masks and clipping
  int npixels = 3;                   ///< least pixels of a hole
  int dilate = 11;                   ///< growth of the mask of sources
  std::optional<int> maxiters = 20;  ///< clipping rounds
  std::uint64_t seed = 0;            ///< of the noise that stands in for bad and bright pixels
};

/// Filters `image` [ny][nx] (NaN: no data), in place, and returns the mask of sources and holes in what is left, with
/// `bad`. `sources` are left out of the statistics that the noise is drawn from. Pixels that are bad or bright (more
/// than five sigma) are replaced before filtering by normal deviates about the median of the others, a function of
/// `seed` and place alone, and after it by the median of their row. pjpipe draws them about 0: where the sky has a
/// level that makes holes.
std::vector<std::uint8_t> remove_diffuse(std::span<double> image, std::span<std::uint8_t const> sources,
                                         std::span<std::uint8_t const> bad, std::int64_t nx, std::int64_t ny,
                                         DiffuseOptions const& options);
std::vector<std::uint8_t> remove_diffuse(std::span<float> image, std::span<std::uint8_t const> sources,
                                         std::span<std::uint8_t const> bad, std::int64_t nx, std::int64_t ny,
                                         DiffuseOptions const& options);

}  // namespace tessera::kernels
