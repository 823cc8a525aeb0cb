// What a FITS file to be written looks like: header cards and where everything lies.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tessera/io/fits_write.hpp"

namespace tessera::io {

/// One HDU of a file to be written. The header ends with CHECKSUM and DATASUM, whose values come last of all.
struct HduLayout {
  model::Header header;
  std::int64_t header_offset = 0, data_offset = 0, data_bytes = 0;

  /// Cards, END and blanks up to the block's end.
  std::vector<std::byte> header_block() const;
};

struct FileLayout {
  std::vector<HduLayout> hdus;
  std::int64_t bytes = 0;  ///< of the whole file
};

/// Structural keywords in the standard's order, then EXTNAME, EXTVER (that of the plan's header, else the count of
/// this name so far) and the plan's cards without those that describe the structure of the file they came from.
FileLayout lay_out_file(std::vector<HduPlan> const& plans);

}  // namespace tessera::io
