// Catalogues of sources as files: FITS binary tables and ECSV, read and written.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tessera::io {

/// One column. Values are [row]; integers and booleans are read as doubles too (exact to 2^53).
struct TableColumn {
  std::string name;
  std::string unit;         ///< "deg", "pixel", "Jy", ...; empty: none
  std::string description;  ///< ECSV only
  std::variant<std::vector<double>, std::vector<std::int64_t>, std::vector<bool>, std::vector<std::string>> values;
  std::string format;  ///< of numbers in ECSV, as fmt has it: "{:.4f}"; empty: as many digits as needed
};

struct SourceTable {
  std::vector<TableColumn> columns;
  std::vector<std::pair<std::string, std::string>> meta;  ///< header cards, or the meta of ECSV: text values
  std::size_t rows() const;
  /// By name, letter case ignored; null where there is none.
  TableColumn const* find(std::string const& name) const;
  /// Column as numbers; InputError naming the file's columns where it is missing or holds texts.
  std::vector<double> numbers(std::string const& name, std::string const& where) const;
};

/// By what the file is, not its name: FITS (first binary table, gzip-compressed or not), ECSV, or CSV with a header
/// line (commas, semicolons, tabs or blanks). Integers that are missing (TNULL, an empty field) make a column of
/// doubles with NaN; columns of a FITS table that hold several values a row, and complex numbers, are left out. Text in
/// columns of numbers, ragged rows and unknown formats are an InputError.
SourceTable read_table(std::filesystem::path const& path);

/// By the end of the name: .fits (extension `extname`, which may be empty), .ecsv. Written beside, synced, renamed.
/// Columns of different lengths and other ends of the name are ContractViolations.
void write_table(std::filesystem::path const& path, SourceTable const& table, std::string const& extname = {});

}  // namespace tessera::io
