#include "tessera/io/source_table.hpp"

#include <algorithm>
#include <cctype>

#include "../fits/gzip.hpp"
#include "../posix_file.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/nearest_name.hpp"
#include "tessera/io/fits_table.hpp"
#include "text_table.hpp"

namespace tessera::io {

namespace {

bool same_name(std::string const& a, std::string const& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char c, unsigned char d) { return std::tolower(c) == std::tolower(d); });
}

std::size_t length(TableColumn const& column) {
  return std::visit([](auto const& values) { return values.size(); }, column.values);
}

}  // namespace

std::size_t SourceTable::rows() const { return columns.empty() ? 0 : length(columns.front()); }

TableColumn const* SourceTable::find(std::string const& name) const {
  for (auto const& column : columns)
    if (same_name(column.name, name)) return &column;
  return nullptr;
}

std::vector<double> SourceTable::numbers(std::string const& name, std::string const& where) const {
  auto const* column = find(name);
  if (!column) {
    std::vector<std::string> names;
    std::string listed;
    for (auto const& one : columns) {
      names.push_back(one.name);
      if (names.size() <= 20) listed += (listed.empty() ? "" : ", ") + one.name;
    }
    if (names.size() > 20) listed += fmt::format(" and {} more", names.size() - 20);
    throw InputError(
        {"column is missing", where, name, listed.empty() ? "no columns" : listed, suggest_name(name, names)});
  }
  if (auto const* texts = std::get_if<std::vector<std::string>>(&column->values))
    throw InputError({"column '" + column->name + "' holds texts", where, "numbers",
                      texts->empty() ? "no rows" : fmt::format("'{}' in the first row", texts->front()),
                      "store the column as numbers"});
  std::vector<double> result;
  std::visit(
      [&](auto const& values) {
        if constexpr (!std::is_same_v<std::decay_t<decltype(values)>, std::vector<std::string>>) {
          result.reserve(values.size());
          for (auto const value : values) result.push_back(static_cast<double>(value));
        }
      },
      column->values);
  return result;
}

SourceTable read_table(std::filesystem::path const& path) {
  bool is_fits = false;
  {
    auto const file = PosixFile::open_for_reading(path);
    std::string start(9, '\0');
    start.resize(file.read_at(0, std::as_writable_bytes(std::span(start))));
    is_fits = start == "SIMPLE  =" || is_gzip(file);
  }
  return is_fits ? read_fits_table(path) : read_text_table(path);
}

void write_table(std::filesystem::path const& path, SourceTable const& table, std::string const& extname) {
  for (auto const& column : table.columns) TESSERA_EXPECT(length(column) == table.rows());
  auto const end = path.extension();
  TESSERA_EXPECT(end == ".fits" || end == ".ecsv");
  if (end == ".fits")
    write_fits_table(path, table, extname);
  else
    write_ecsv_table(path, table);
}

}  // namespace tessera::io
