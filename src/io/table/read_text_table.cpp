#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "../posix_file.hpp"
#include "tessera/core/error.hpp"
#include "text_rows.hpp"
#include "text_table.hpp"

namespace tessera::io {

namespace {

constexpr std::string_view EcsvStart = "# %ECSV ";

enum class TextType { Boolean, Integer, Real, Text };

/// What the header of an ECSV file says.
struct EcsvHeader {
  std::vector<TableColumn> columns;  ///< without values
  std::vector<TextType> types;
  std::vector<std::pair<std::string, std::string>> meta;
  char delimiter = ' ';
};

std::string read_all(std::filesystem::path const& path) {
  auto const file = PosixFile::open_for_reading(path);
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  file.read_exactly(0, std::as_writable_bytes(std::span(text)));
  if (text.empty()) throw InputError({"the file is empty", path.string(), "a table", "0 bytes", "get the file again"});
  auto const strange = std::find_if(text.begin(), text.end(), [](char c) {
    auto const code = static_cast<unsigned char>(c);
    return (code < ' ' && c != '\n' && c != '\r' && c != '\t') || code == 0x7f;
  });
  if (strange != text.end())
    throw InputError({"is no table", path.string(), "FITS, ECSV or CSV",
                      fmt::format("a control character (code {}) at byte {}", static_cast<unsigned char>(*strange),
                                  strange - text.begin()),
                      "give a table in one of these formats"});
  return text;
}

std::optional<std::int64_t> to_integer(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Empty: NaN.
std::optional<double> to_real(std::string_view text) {
  if (text.empty()) return std::numeric_limits<double>::quiet_NaN();
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<bool> to_boolean(std::string_view text) {
  static constexpr std::array<std::string_view, 3> True{"True", "true", "TRUE"}, False{"False", "false", "FALSE"};
  if (std::find(True.begin(), True.end(), text) != True.end()) return true;
  if (std::find(False.begin(), False.end(), text) != False.end()) return false;
  return std::nullopt;
}

[[noreturn]] void fail_header(std::string const& where, std::string const& expected, std::string const& found) {
  throw InputError({"the ECSV header is wrong", where, expected, found, "write the table anew with astropy"});
}

std::string scalar_of(YAML::Node const& node) { return node && node.IsScalar() ? node.Scalar() : std::string(); }

TextType type_of(std::string const& datatype, bool has_subtype, std::string const& where) {
  static constexpr std::array<std::string_view, 8> Integers{"int8",  "int16",  "int32",  "int64",
                                                            "uint8", "uint16", "uint32", "uint64"};
  static constexpr std::array<std::string_view, 4> Reals{"float16", "float32", "float64", "float128"};
  static constexpr std::array<std::string_view, 4> Texts{"string", "complex64", "complex128", "complex256"};
  auto const is_in = [&](auto const& list) { return std::find(list.begin(), list.end(), datatype) != list.end(); };
  if (has_subtype || is_in(Texts)) return TextType::Text;
  if (datatype == "bool") return TextType::Boolean;
  if (is_in(Integers)) return TextType::Integer;
  if (is_in(Reals)) return TextType::Real;
  fail_header(where, "a datatype of ECSV (bool, int64, float64, string, ...)", "'" + datatype + "'");
}

/// Scalars of the meta entry: a map, or a list of maps (!!omap).
void collect_meta(YAML::Node const& node, std::vector<std::pair<std::string, std::string>>& meta) {
  if (node.IsSequence())
    for (auto const& entry : node) {
      if (entry.IsMap()) collect_meta(entry, meta);
    }
  if (!node.IsMap()) return;
  for (auto const& entry : node)
    if (entry.first.IsScalar() && entry.second.IsScalar())
      meta.emplace_back(entry.first.Scalar(), entry.second.Scalar());
}

EcsvHeader parse_header(std::string const& yaml, std::string const& where) try {
  auto const tree = YAML::Load(yaml);
  if (!tree.IsMap() || !tree["datatype"] || !tree["datatype"].IsSequence())
    fail_header(where, "'datatype', a list of columns", "none");
  EcsvHeader header;
  for (auto const& entry : tree["datatype"]) {
    if (!entry.IsMap() || scalar_of(entry["name"]).empty())
      fail_header(where, "columns with a 'name'", "an entry of 'datatype' without one");
    TableColumn column;
    column.name = scalar_of(entry["name"]);
    column.unit = scalar_of(entry["unit"]);
    column.description = scalar_of(entry["description"]);
    header.types.push_back(type_of(scalar_of(entry["datatype"]), static_cast<bool>(entry["subtype"]), where));
    header.columns.push_back(std::move(column));
  }
  if (auto const delimiter = tree["delimiter"]) {
    if (scalar_of(delimiter) != " " && scalar_of(delimiter) != ",")
      fail_header(where, "delimiter ' ' or ','", "'" + scalar_of(delimiter) + "'");
    header.delimiter = scalar_of(delimiter)[0];
  }
  if (auto const meta = tree["meta"]) collect_meta(meta, header.meta);
  return header;
} catch (YAML::Exception const& error) {
  fail_header(where, "valid YAML", error.what());
}

[[noreturn]] void fail_field(TableColumn const& column, TextRow const& row, std::string const& expected,
                             std::string const& field, std::string const& where) {
  throw InputError({"column '" + column.name + "' holds something else than it should",
                    fmt::format("{}, line {}", where, row.line), expected, "'" + field + "'", "correct the file"});
}

void check_widths(std::vector<TextRow> const& rows, std::size_t columns, std::string const& where) {
  for (auto const& row : rows)
    if (row.fields.size() != columns)
      throw InputError({"a row has a wrong number of fields", fmt::format("{}, line {}", where, row.line),
                        std::to_string(columns), std::to_string(row.fields.size()),
                        "the file is truncated or damaged, or a text with blanks has no quotes"});
}

/// An integer column can hold this field only as a real: it is empty, or beyond 64 bits with a sign.
bool needs_real(std::string const& field) {
  return field.empty() || (!to_integer(field) && std::abs(to_real(field).value_or(0)) >= 9.2e18);
}

/// Values of column k of the rows.
void fill_column(TableColumn& column, TextType type, std::vector<TextRow> const& rows, std::size_t k,
                 std::string const& where) {
  if (type == TextType::Integer &&
      std::any_of(rows.begin(), rows.end(), [&](TextRow const& row) { return needs_real(row.fields[k]); }))
    type = TextType::Real;
  auto const convert = [&](auto parse, char const* expected) {
    std::vector<typename decltype(parse(std::string_view()))::value_type> values;
    values.reserve(rows.size());
    for (auto const& row : rows) {
      auto const value = parse(std::string_view(row.fields[k]));
      if (!value) fail_field(column, row, expected, row.fields[k], where);
      values.push_back(*value);
    }
    column.values = std::move(values);
  };
  switch (type) {
    case TextType::Boolean:
      return convert([](std::string_view text) { return text.empty() ? std::optional(false) : to_boolean(text); },
                     "True or False");
    case TextType::Integer:
      return convert(to_integer, "an integer");
    case TextType::Real:
      return convert(to_real, "a number");
    case TextType::Text:
      break;
  }
  std::vector<std::string> texts;
  texts.reserve(rows.size());
  for (auto const& row : rows) texts.push_back(row.fields[k]);
  column.values = std::move(texts);
}

SourceTable read_ecsv(std::string const& text, std::string const& where) {
  std::string yaml;
  std::size_t at = 0, line = 1;
  while (at < text.size() && text[at] == '#') {
    auto end = text.find('\n', at);
    if (end == std::string::npos) end = text.size();
    auto content = std::string_view(text).substr(at + 1, end - at - 1);
    if (content.starts_with(' ')) content.remove_prefix(1);
    if (content.ends_with('\r')) content.remove_suffix(1);
    if (line > 1) yaml.append(content) += '\n';
    at = std::min(end + 1, text.size());
    ++line;
  }
  auto header = parse_header(yaml, where);
  auto rows = parse_rows(std::string_view(text).substr(at), header.delimiter, line, where);
  if (rows.empty()) fail_header(where, "a line with the names of the columns after it", "the end of the file");
  std::vector<std::string> names;
  for (auto const& column : header.columns) names.push_back(column.name);
  if (rows.front().fields != names)
    fail_header(where, fmt::format("the names of 'datatype' in line {}: {}", rows.front().line, fmt::join(names, ", ")),
                fmt::format("{}", fmt::join(rows.front().fields, ", ")));
  rows.erase(rows.begin());
  check_widths(rows, names.size(), where);
  SourceTable table;
  table.columns = std::move(header.columns);
  table.meta = std::move(header.meta);
  for (std::size_t k = 0; k < table.columns.size(); ++k) fill_column(table.columns[k], header.types[k], rows, k, where);
  return table;
}

/// Of the first line that is no comment.
char guess_delimiter(std::string const& text) {
  std::size_t at = 0;
  while (at < text.size() && (text[at] == '#' || text[at] == '\n' || text[at] == '\r')) {
    at = text.find('\n', at);
    at = at == std::string::npos ? text.size() : at + 1;
  }
  auto const line = std::string_view(text).substr(at, text.find('\n', at) - at);
  for (char const candidate : {',', ';', '\t'})
    if (line.find(candidate) != std::string_view::npos) return candidate;
  return ' ';
}

/// The narrowest type that takes all fields of column k.
TextType guess_type(std::vector<TextRow> const& rows, std::size_t k) {
  auto const all = [&](auto holds) {
    return std::all_of(rows.begin(), rows.end(), [&](TextRow const& row) { return holds(row.fields[k]); });
  };
  bool const all_empty = all([](std::string const& field) { return field.empty(); });
  if (!rows.empty() && !all_empty) {
    if (all([](std::string const& field) { return to_boolean(field).has_value(); })) return TextType::Boolean;
    if (all([](std::string const& field) { return field.empty() || to_integer(field).has_value(); }))
      return TextType::Integer;
  }
  return all([](std::string const& field) { return to_real(field).has_value(); }) ? TextType::Real : TextType::Text;
}

SourceTable read_csv(std::string const& text, std::string const& where) {
  auto rows = parse_rows(text, guess_delimiter(text), 1, where);
  if (rows.empty())
    throw InputError({"the file holds no table", where, "a line with the names of the columns", "only comments",
                      "give a table in FITS, ECSV or CSV"});
  auto const first = std::move(rows.front());
  rows.erase(rows.begin());
  for (auto const& name : first.fields)
    if (name.empty() || name.front() == '<' || to_real(name))
      throw InputError({"is no table with a header line", where, "names of columns in its first line",
                        fmt::format("'{}'", name.substr(0, 40)), "give a table in FITS, ECSV or CSV"});
  check_widths(rows, first.fields.size(), where);
  SourceTable table;
  for (std::size_t k = 0; k < first.fields.size(); ++k) {
    TableColumn column;
    column.name = first.fields[k];
    fill_column(column, guess_type(rows, k), rows, k, where);
    table.columns.push_back(std::move(column));
  }
  return table;
}

}  // namespace

SourceTable read_text_table(std::filesystem::path const& path) {
  auto const text = read_all(path);
  return text.starts_with(EcsvStart) ? read_ecsv(text, path.string()) : read_csv(text, path.string());
}

}  // namespace tessera::io
