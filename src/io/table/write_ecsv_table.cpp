#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "tessera/core/error.hpp"
#include "tessera/io/durable_file.hpp"
#include "text_table.hpp"

namespace tessera::io {

namespace {

/// A text as YAML: as it is where it cannot be taken for anything else, in "" otherwise.
std::string yaml_text(std::string const& text) {
  static constexpr std::array<std::string_view, 9> Words{"y", "n", "yes", "no", "on", "off", "true", "false", "null"};
  std::string lower = text;
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  bool const plain =
      !text.empty() && std::isalpha(static_cast<unsigned char>(text[0])) &&
      std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '.'; }) &&
      std::find(Words.begin(), Words.end(), lower) == Words.end();
  if (plain) return text;
  std::string quoted = "\"";
  for (char const c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '\n')
      quoted += "\\n";
    else if (static_cast<unsigned char>(c) < ' ')
      quoted += ' ';
    else
      quoted += c;
  }
  return quoted + '"';
}

/// A field of a row: in "" where it is empty or holds what would end it.
std::string field_text(std::string const& text) {
  if (!text.empty() && text.find_first_of(" \t\r\n\"#,") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char const c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

char const* datatype(TableColumn const& column) {
  static constexpr std::array<char const*, 4> Names{"float64", "int64", "bool", "string"};
  return Names.at(column.values.index());
}

std::string value_text(TableColumn const& column, std::size_t row) {
  if (auto const* reals = std::get_if<std::vector<double>>(&column.values)) {
    double const value = (*reals)[row];
    if (!std::isfinite(value)) return std::isnan(value) ? "nan" : (value > 0 ? "inf" : "-inf");
    return column.format.empty() ? fmt::format("{}", value) : fmt::format(fmt::runtime(column.format), value);
  }
  if (auto const* integers = std::get_if<std::vector<std::int64_t>>(&column.values))
    return std::to_string((*integers)[row]);
  if (auto const* booleans = std::get_if<std::vector<bool>>(&column.values)) return (*booleans)[row] ? "True" : "False";
  return field_text(std::get<std::vector<std::string>>(column.values)[row]);
}

}  // namespace

void write_ecsv_table(std::filesystem::path const& path, SourceTable const& table) {
  std::string text = "# %ECSV 1.0\n# ---\n# datatype:\n";
  for (auto const& column : table.columns) {
    text += "# - {name: " + yaml_text(column.name);
    if (!column.unit.empty()) text += ", unit: " + yaml_text(column.unit);
    text += fmt::format(", datatype: {}", datatype(column));
    if (!column.description.empty()) text += ", description: " + yaml_text(column.description);
    text += "}\n";
  }
  if (!table.meta.empty()) {
    text += "# meta: !!omap\n";
    for (auto const& [key, value] : table.meta) text += "# - {" + yaml_text(key) + ": " + yaml_text(value) + "}\n";
  }
  text += "# schema: astropy-2.0\n";
  for (std::size_t k = 0; k < table.columns.size(); ++k) text += (k ? " " : "") + field_text(table.columns[k].name);
  text += '\n';
  for (std::size_t row = 0; row < table.rows(); ++row) {
    for (std::size_t k = 0; k < table.columns.size(); ++k) {
      if (k) text += ' ';
      text += value_text(table.columns[k], row);
    }
    text += '\n';
  }
  write_file(path, text);
}

}  // namespace tessera::io
