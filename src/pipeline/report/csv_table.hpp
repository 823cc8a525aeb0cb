// Tables that the steps left, as texts.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::pipeline {

/// Comma-separated with a line of names, fields in quotes where they must be; or tab-separated, where the line of names
/// begins with '#' and nothing is quoted.
struct CsvTable {
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> rows;

  bool has(std::string_view name) const;
  /// Empty where there is no such column, or the row is short.
  std::string const& text(std::size_t row, std::string_view name) const;
  /// Nothing where the field is no number.
  std::optional<double> number(std::size_t row, std::string_view name) const;
  /// All finite numbers of a column.
  std::vector<double> numbers(std::string_view name) const;
};

/// Nothing where there is no such file, it has no line, or it is larger than 64 MB.
std::optional<CsvTable> read_csv(std::filesystem::path const& path, char separator = ',');

}  // namespace tessera::pipeline
