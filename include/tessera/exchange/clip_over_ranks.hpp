// Clipped statistics of an image that lies on many ranks.
#pragma once
#include <functional>
#include <optional>
#include <span>

#include "tessera/kernels/sigma_clip.hpp"
#include "tessera/parallel/communicator.hpp"

namespace tessera::exchange {

/// Takes a piece of the image: its number, and its values (those not finite do not count).
using TakePiece = std::function<void(std::int64_t piece, std::span<float const> values)>;
/// Gives all pieces of this rank, always the same. Pieces are cut without regard to ranks (blocks): no two have the
/// same number.
using GivePieces = std::function<void(TakePiece const& take)>;

/// As kernels::sigma_clip over all values of all pieces of all ranks: medians are exact (counts of bit patterns), sums
/// are those of the pieces, added in the order of their numbers. The pieces are gone through three times a round.
/// Collective.
kernels::ClippedStatistics clip_over_ranks(parallel::Communicator const& communicator, GivePieces const& give,
                                           double sigma, std::optional<int> maxiters);

}  // namespace tessera::exchange
