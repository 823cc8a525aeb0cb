// YAML text to AsdfValue.
#pragma once
#include <string>

#include "tessera/io/asdf_value.hpp"

namespace tessera::io {

/// Parses one YAML 1.1 document. Aliases become copies of what they refer to. Throws InputError for text that is no
/// YAML, for cyclic aliases and for trees above 256 levels or two million nodes.
AsdfValue parse_yaml_tree(std::string const& text, std::string const& file);

/// The value of a plain (unquoted) scalar: null, bool, integer, real or string.
AsdfValue resolve_plain_scalar(std::string const& text);

}  // namespace tessera::io
