// How much the rows of an exposure scatter.
#pragma once
#include <cstdint>
#include <vector>

#include "../stripe_layout.hpp"

namespace tessera::steps {

/// rms of the clipped row medians of each amplifier outside `mask` about their running mean of 63 rows. `image` and
/// `mask` are turned as the layout is. NaN where no row has 50 pixels.
double measure_row_noise(std::vector<float> const& image, std::vector<std::uint8_t> const& mask,
                         StripeLayout const& layout);

}  // namespace tessera::steps
