// Below which weight a pixel of a group's image does not count for the median (spec 30, 3.2 item 3).
#pragma once
#include "tessera/kernels/clip_pieces.hpp"

namespace tessera::kernels {

/// maskpt times the mean (in double) of the finite, non-zero weights that are left after clipping at 3 sigma about the
/// median in at most 5 rounds. NaN when there is no such weight: no pixel is below it.
double weight_threshold(EachPiece const& weights, double maskpt);
double weight_threshold(std::span<float const> weights, double maskpt);

}  // namespace tessera::kernels
