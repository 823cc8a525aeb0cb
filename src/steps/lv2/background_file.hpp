// The file of a combined background.
#pragma once
#include <cstdint>

#include "row_pool.hpp"
#include "tessera/steps/lv2/off_backgrounds.hpp"

namespace tessera::steps {

/// Writes product and manifest of a whole combination [combined_plane] and returns the bytes. Independent.
std::int64_t write_off_background(OffBackground const& background, ImageRows& whole);

/// Pixels that have a source in every off: SCI the median of the combined pixels nearby, ERR and VAR theirs and their
/// scatter, DQ FLUX_ESTIMATED, count 0. Where no pixel was combined at all: DO_NOT_USE. In place.
void fill_masked_pixels(ImageRows& whole);

}  // namespace tessera::steps
