// FITS keywords of the primary header and the parameters they stand for (spec 25, 2.3).
#pragma once
#include <string>
#include <utility>
#include <vector>

namespace tessera::refs {

/// (keyword, parameter in upper case); the keywords that rules usually ask for come first.
std::vector<std::pair<std::string, std::string>> const& keyword_parameters();

}  // namespace tessera::refs
