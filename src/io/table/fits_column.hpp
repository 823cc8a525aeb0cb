// The columns of a FITS binary table as its header describes them (FITS standard 4.0, 7.3).
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tessera/io/fits_file.hpp"
#include "tessera/io/source_table.hpp"

namespace tessera::io {

struct FitsColumn {
  std::string name, unit;
  char type = 0;               ///< letter of TFORM
  std::int64_t repeat = 1;     ///< values, or characters of a text, a row
  std::int64_t offset = 0;     ///< bytes from the start of a row
  double scale = 1, zero = 0;  ///< TSCAL, TZERO
  std::optional<long long> null;

  /// One value a row, of a type that a SourceTable can hold.
  bool is_single() const;
};

/// In order. Throws InputError: a TFORM that is wrong or missing, rows of another length than the columns.
std::vector<FitsColumn> describe_columns(Hdu const& table, std::string const& where);

/// Values of a column out of the rows of the table, `row_bytes` each. `column` must be single.
TableColumn decode_column(FitsColumn const& column, std::span<std::byte const> data, std::int64_t rows,
                          std::int64_t row_bytes);

}  // namespace tessera::io
