// Sky levels that a person gives (skymethod user).
#pragma once
#include <string>
#include <vector>

#include "tessera/store/exposure_record.hpp"

namespace tessera::steps {

/// Level of each member from a file with a line "IMAGE LEVEL" for every one; # starts a comment. IMAGE is a file name
/// with or without folder, ending and suffix. Throws InputError: a line without a number, an exposure that is missing
/// or named twice.
std::vector<double> read_sky_list(std::string const& path, std::vector<store::ExposureRecord const*> const& members);

}  // namespace tessera::steps
