#include "csv_table.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <iterator>

namespace tessera::pipeline {

namespace {

constexpr std::uintmax_t LargestFile = std::uintmax_t{64} << 20;

std::vector<std::string> fields_of(std::string_view line, char separator) {
  std::vector<std::string> fields(1);
  bool is_quoted = false;
  for (std::size_t k = 0; k < line.size(); ++k) {
    if (separator == ',' && line[k] == '"') {
      if (is_quoted && k + 1 < line.size() && line[k + 1] == '"')
        fields.back() += line[k++];
      else
        is_quoted = !is_quoted;
    } else if (line[k] == separator && !is_quoted) {
      fields.emplace_back();
    } else {
      fields.back() += line[k];
    }
  }
  return fields;
}

}  // namespace

bool CsvTable::has(std::string_view name) const { return std::find(names.begin(), names.end(), name) != names.end(); }

std::string const& CsvTable::text(std::size_t row, std::string_view name) const {
  static std::string const nothing;
  auto const column =
      static_cast<std::size_t>(std::distance(names.begin(), std::find(names.begin(), names.end(), name)));
  return column < names.size() && column < rows.at(row).size() ? rows[row][column] : nothing;
}

std::optional<double> CsvTable::number(std::size_t row, std::string_view name) const {
  auto const& field = text(row, name);
  double value = 0;
  auto const [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error != std::errc{} || end != field.data() + field.size()) return std::nullopt;
  return value;
}

std::vector<double> CsvTable::numbers(std::string_view name) const {
  std::vector<double> found;
  for (std::size_t row = 0; row < rows.size(); ++row)
    if (auto const value = number(row, name); value && std::isfinite(*value)) found.push_back(*value);
  return found;
}

std::optional<CsvTable> read_csv(std::filesystem::path const& path, char separator) {
  std::error_code error;
  auto const size = std::filesystem::file_size(path, error);
  if (error || size > LargestFile) return std::nullopt;
  std::ifstream stream(path);
  CsvTable table;
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!table.names.empty()) {
      if (!line.empty()) table.rows.push_back(fields_of(line, separator));
      continue;
    }
    if (line.starts_with("# ")) line.erase(0, 2);
    table.names = fields_of(line, separator);
  }
  if (table.names.empty()) return std::nullopt;
  return table;
}

}  // namespace tessera::pipeline
