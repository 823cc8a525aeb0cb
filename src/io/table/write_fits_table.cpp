#include <algorithm>
#include <bit>
#include <cctype>

#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/fits_table.hpp"
#include "tessera/io/fits_write.hpp"

namespace tessera::io {

namespace {

void store(std::byte*& out, std::uint64_t word) {
  for (int byte = 7; byte >= 0; --byte) *out++ = static_cast<std::byte>(word >> (8 * byte));
}

std::int64_t width_of(TableColumn const& column) {
  if (std::holds_alternative<std::vector<bool>>(column.values)) return 1;
  auto const* texts = std::get_if<std::vector<std::string>>(&column.values);
  if (!texts) return 8;
  std::size_t longest = 1;
  for (auto const& text : *texts) longest = std::max(longest, text.size());
  return static_cast<std::int64_t>(longest);
}

std::string form_of(TableColumn const& column, std::int64_t width) {
  switch (column.values.index()) {
    case 0:
      return "D";
    case 1:
      return "K";
    case 2:
      return "L";
    default:
      return std::to_string(width) + "A";
  }
}

void store_value(std::byte* out, TableColumn const& column, std::size_t row) {
  if (auto const* reals = std::get_if<std::vector<double>>(&column.values))
    return store(out, std::bit_cast<std::uint64_t>((*reals)[row]));
  if (auto const* integers = std::get_if<std::vector<std::int64_t>>(&column.values))
    return store(out, static_cast<std::uint64_t>((*integers)[row]));
  if (auto const* booleans = std::get_if<std::vector<bool>>(&column.values)) {
    *out = static_cast<std::byte>((*booleans)[row] ? 'T' : 'F');
    return;
  }
  // The rest of the field is 0, which ends a text in FITS. ASCII only.
  for (char const c : std::get<std::vector<std::string>>(column.values)[row])
    *out++ = static_cast<std::byte>(c >= ' ' && c <= '~' ? c : '?');
}

/// Text values with keywords that FITS knows are cards; others are comments.
void add_meta(model::Header& header, SourceTable const& table) {
  for (auto const& [key, value] : table.meta) {
    bool const is_keyword = !key.empty() && key.size() <= 8 && std::all_of(key.begin(), key.end(), [](unsigned char c) {
      return std::isupper(c) || std::isdigit(c) || c == '_' || c == '-';
    });
    if (is_keyword)
      header.set(key, value);
    else
      header.add_comment(key + ": " + value);
  }
}

}  // namespace

TableHdu make_table_hdu(SourceTable const& table, std::string const& extname) {
  TESSERA_EXPECT(table.columns.size() <= 999);
  HduPlan plan;
  plan.extname = extname;
  plan.binary_table = true;
  model::Header cards;
  std::vector<std::int64_t> offsets;
  std::int64_t row_bytes = 0;
  for (std::size_t k = 0; k < table.columns.size(); ++k) {
    auto const& column = table.columns[k];
    auto const number = std::to_string(k + 1);
    auto const width = width_of(column);
    cards.set("TTYPE" + number, column.name, column.description);
    cards.set("TFORM" + number, form_of(column, width));
    if (!column.unit.empty()) cards.set("TUNIT" + number, column.unit);
    offsets.push_back(row_bytes);
    row_bytes += width;
  }
  plan.table_columns = cards.cards();
  plan.axes = {row_bytes, static_cast<std::int64_t>(table.rows())};
  add_meta(plan.header, table);
  std::vector<std::byte> data(table.rows() * static_cast<std::size_t>(row_bytes));
  for (std::size_t row = 0; row < table.rows(); ++row)
    for (std::size_t k = 0; k < table.columns.size(); ++k)
      store_value(data.data() + static_cast<std::int64_t>(row) * row_bytes + offsets[k], table.columns[k], row);
  return {std::move(plan), std::move(data)};
}

void write_fits_table(std::filesystem::path const& path, SourceTable const& table, std::string const& extname) {
  auto [plan, data] = make_table_hdu(table, extname);
  write_fits(path, {HduPlan{}, std::move(plan)}, {{}, std::move(data)});
}

}  // namespace tessera::io
