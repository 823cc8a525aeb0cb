#include "header_table.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace tessera::steps {

namespace {

struct Column {
  std::string name, form;
  std::size_t width = 0;    ///< bytes
  std::size_t keyword = 0;  ///< index into image_keywords(); its size() for the file name
  KeywordKind kind = KeywordKind::Text;
};

constexpr std::int64_t LargestInt32 = std::numeric_limits<std::int32_t>::max();

std::vector<Column> choose_columns(std::vector<MemberValues> const& members) {
  auto const& keywords = image_keywords();
  std::vector<Column> columns;
  for (std::size_t k = 0; k < keywords.size(); ++k) {
    std::size_t widest = 0;
    bool any = false, large = false;
    for (auto const& member : members) {
      if (!member.values[k]) continue;
      any = true;
      widest = std::max(widest, member.values[k]->size());
      if (keywords[k].kind == KeywordKind::Integer)
        large = large || std::abs(std::stoll(*member.values[k])) > LargestInt32;
    }
    if (!any) continue;
    Column column{keywords[k].keyword, "", 0, k, keywords[k].kind};
    switch (keywords[k].kind) {
      case KeywordKind::Text:
        column.width = std::max<std::size_t>(1, widest);
        column.form = std::to_string(column.width) + "A";
        break;
      case KeywordKind::Real:
        column.width = 8;
        column.form = "D";
        break;
      case KeywordKind::Integer:
        column.width = large ? 8 : 4;
        column.form = large ? "K" : "J";
        break;
      case KeywordKind::Logical:
        column.width = 1;
        column.form = "L";
        break;
    }
    columns.push_back(column);
  }
  return columns;
}

template <class Unsigned>
void put_big_endian(Unsigned bits, std::byte* out) {
  for (std::size_t k = 0; k < sizeof bits; ++k) out[k] = static_cast<std::byte>(bits >> (8 * (sizeof bits - 1 - k)));
}

void put_value(Column const& column, std::optional<std::string> const& value, std::byte* out) {
  switch (column.kind) {
    case KeywordKind::Text:
      if (value) std::memcpy(out, value->data(), value->size());
      break;
    case KeywordKind::Real:
      put_big_endian(std::bit_cast<std::uint64_t>(value ? std::stod(*value) : std::numeric_limits<double>::quiet_NaN()),
                     out);
      break;
    case KeywordKind::Integer: {
      long long const number = value ? std::stoll(*value) : 0;
      if (column.width == 8)
        put_big_endian(static_cast<std::uint64_t>(number), out);
      else
        put_big_endian(static_cast<std::uint32_t>(number), out);
      break;
    }
    case KeywordKind::Logical:
      out[0] = !value ? std::byte{0} : static_cast<std::byte>(value->front());  // 0: no value (FITS 4.0, 7.3.3.1)
      break;
  }
}

/// Type of a column as ASDF names it; a FITS logical is a byte there.
io::AsdfValue asdf_datatype(Column const& column) {
  switch (column.kind) {
    case KeywordKind::Text:
      return io::AsdfValue::sequence({"ascii", static_cast<std::int64_t>(column.width)});
    case KeywordKind::Real:
      return "float64";
    case KeywordKind::Integer:
      return column.width == 8 ? "int64" : "int32";
    case KeywordKind::Logical:
      return "int8";
  }
  return {};
}

io::AsdfValue table_node(std::vector<Column> const& columns, std::size_t rows) {
  io::AsdfValue datatype;
  for (auto const& column : columns)
    datatype.append(
        io::AsdfValue::mapping({{"name", column.name}, {"datatype", asdf_datatype(column)}, {"byteorder", "big"}}));
  auto node = io::AsdfValue::mapping({{"source", "fits:HDRTAB,1"},
                                      {"datatype", std::move(datatype)},
                                      {"byteorder", "big"},
                                      {"shape", io::AsdfValue::sequence({static_cast<std::int64_t>(rows)})}});
  node.set_tag("tag:stsci.edu:asdf/core/ndarray-1.0.0");
  return node;
}

}  // namespace

io::AsdfValue make_header_table(std::vector<MemberValues> const& members, I2dMetadata& metadata) {
  auto const columns = choose_columns(members);
  model::Header cards;
  std::size_t row_bytes = 0;
  for (std::size_t k = 0; k < columns.size(); ++k) {
    cards.set(fmt::format("TTYPE{}", k + 1), columns[k].name);
    cards.set(fmt::format("TFORM{}", k + 1), columns[k].form);
    row_bytes += columns[k].width;
  }
  if (columns.empty()) return {};
  metadata.table_columns = cards.cards();
  metadata.table_row_bytes = static_cast<std::int64_t>(row_bytes);
  metadata.table.assign(row_bytes * members.size(), std::byte{0});
  std::byte* out = metadata.table.data();
  for (auto const& member : members)
    for (auto const& column : columns) {
      put_value(column, member.values[column.keyword], out);
      out += column.width;
    }
  return table_node(columns, members.size());
}

}  // namespace tessera::steps
