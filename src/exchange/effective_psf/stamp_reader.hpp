// Squares of pixels around stars, read from an exposure by bands of rows.
#pragma once
#include <functional>
#include <span>

#include "tessera/exchange/effective_psf.hpp"

namespace tessera::exchange {

/// Reads the stamp of every star, in the order of their rows, and hands it over with the star's index. Pixels outside
/// the image, bad (DO_NOT_USE, NON_SCIENCE), saturated, exactly 0 or without weight are NaN. Where there is no ERR the
/// error is the scatter of the stamp's border. Stars without a position are left out.
void read_stamps(store::ExposureReader const& reader, std::span<model::Star const> stars, int side,
                 std::function<void(std::size_t star, StarStamp const& stamp)> const& take);

}  // namespace tessera::exchange
