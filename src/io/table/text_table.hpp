// Tables in text files: ECSV (https://github.com/astropy/astropy-APEs/blob/main/APE6.rst) and CSV.
#pragma once
#include "tessera/io/source_table.hpp"

namespace tessera::io {

/// ECSV by its first line, else CSV. Throws InputError.
SourceTable read_text_table(std::filesystem::path const& path);

void write_ecsv_table(std::filesystem::path const& path, SourceTable const& table);

}  // namespace tessera::io
