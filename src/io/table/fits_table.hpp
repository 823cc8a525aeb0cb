// Binary tables of FITS files.
#pragma once
#include "tessera/io/source_table.hpp"

namespace tessera::io {

/// The first binary table that is not the ASDF extension. Throws InputError.
SourceTable read_fits_table(std::filesystem::path const& path);

/// An empty primary HDU and one binary table: D, K, L and A columns.
void write_fits_table(std::filesystem::path const& path, SourceTable const& table, std::string const& extname);

}  // namespace tessera::io
