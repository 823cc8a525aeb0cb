// The pixels of an exposure that a person's regions leave out of measuring.
#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

#include "tessera/sky/wcs.hpp"

namespace tessera::steps {

/// Sets `bad` [ny][nx] where the centre of a pixel lies in a region of a DS9 file, and returns how many pixels do.
/// `wcs` is needed for regions on the sky. Throws InputError: a file that cannot be understood (with the line), regions
/// on the sky without a WCS.
std::int64_t leave_out_regions(std::filesystem::path const& file, sky::Wcs const* wcs, std::int64_t nx, std::int64_t ny,
                               std::vector<std::uint8_t>& bad);

}  // namespace tessera::steps
