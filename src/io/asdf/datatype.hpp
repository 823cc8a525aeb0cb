// The `datatype` key of an ndarray node.
#pragma once
#include <optional>
#include <string>

#include "tessera/io/asdf_value.hpp"

namespace tessera::io {

/// Element type by its schema name ("float64"); nullopt for others.
std::optional<AsdfType> scalar_type(std::string const& name);

/// Parses `node`; `is_big_endian` is the byte order of the array, which record fields may override.
/// Throws InputError (file, node path).
AsdfDatatype parse_datatype(AsdfValue const& node, bool is_big_endian, std::string const& file, std::string const& path,
                            int depth = 0);

/// True for "big"; throws for anything but "big" and "little".
bool parse_byteorder(AsdfValue const& node, std::string const& file, std::string const& path);

/// Reverses the bytes of one element's numbers where they are not in this machine's order; sets the type to say so.
void swap_to_native(AsdfDatatype const& datatype, std::byte* element);
void mark_native(AsdfDatatype& datatype);
bool needs_swap(AsdfDatatype const& datatype);

}  // namespace tessera::io
