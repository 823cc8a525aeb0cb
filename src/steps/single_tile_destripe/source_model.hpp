// What is known of the sky, taken off an exposure before its stripes are measured.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tessera/sky/wcs.hpp"

namespace tessera::steps {

/// Subtracts the image (MJy/sr; extension SCI, else the first image) from `sci` [ny][nx], bilinearly at the centre of
/// each pixel and divided by `conversion` (MJy/sr per unit of `sci`). Where it has no value (outside of it, or a NaN
/// among the four) a pixel is set in `bad`: beside pixels without their sky it would not lie level. Returns the part of
/// the pixels that were not bad where it has one; under a half the model is not used, and nothing changes. Throws
/// InputError: no image, no celestial WCS, an exposure without one, a conversion that is not above 0.
double subtract_source_model(std::filesystem::path const& file, sky::Wcs const* wcs, double conversion, std::int64_t nx,
                             std::int64_t ny, std::vector<float>& sci, std::vector<std::uint8_t>& bad);

/// That there is an image with a celestial WCS in the right unit. Throws InputError.
void check_source_model(std::filesystem::path const& file);

/// Says in the log that the model was not used, where it was not.
void warn_of_coverage(std::string const& label, double coverage);

}  // namespace tessera::steps
