// Clipped statistics of more values than memory holds.
#pragma once
#include <cstddef>
#include <functional>
#include <span>

#include "tessera/kernels/sigma_clip.hpp"

namespace tessera::kernels {

/// Hands over a set of values piece by piece; called several times, each time with the same values in the same order.
/// Where the pieces are cut does not matter to the last bit.
using EachPiece = std::function<void(std::function<void(std::span<float const>)> const& take)>;

/// sigma_clip of all values together, with exact medians, in a few passes over the pieces a round (counts
/// of the ordered bit patterns give the medians) and 3 MB of memory. Non-finite values do not count, nor, with
/// `skip_zeros`, those that are 0. `maxiters` >= 1.
ClippedStatistics clip_pieces(EachPiece const& values, double sigma, int maxiters, bool skip_zeros = false);

}  // namespace tessera::kernels
