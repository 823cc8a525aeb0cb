// Binary tables of FITS files.
#pragma once
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "tessera/io/fits_file.hpp"
#include "tessera/io/fits_write.hpp"
#include "tessera/io/source_table.hpp"

namespace tessera::io {

/// Columns of one extension that hold one value a row; a table without rows too. Throws InputError: no binary table, a
/// damaged header.
SourceTable read_fits_table(FitsFile const& file, Hdu const& hdu);

/// The first binary table that is not the ASDF extension. Throws InputError.
SourceTable read_fits_table(std::filesystem::path const& path);

/// One binary table to write beside other HDUs: D, K, L and A columns.
struct TableHdu {
  HduPlan plan;
  std::vector<std::byte> data;
};
TableHdu make_table_hdu(SourceTable const& table, std::string const& extname);

/// An empty primary HDU and one such table.
void write_fits_table(std::filesystem::path const& path, SourceTable const& table, std::string const& extname);

}  // namespace tessera::io
