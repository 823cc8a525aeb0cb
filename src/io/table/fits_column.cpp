#include "fits_column.hpp"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "tessera/core/error.hpp"

namespace tessera::io {

namespace {

/// Bytes of one value; 0 for letters that are none.
std::int64_t bytes_of(char type) {
  switch (type) {
    case 'L':
    case 'B':
    case 'A':
      return 1;
    case 'I':
      return 2;
    case 'J':
    case 'E':
      return 4;
    case 'K':
    case 'D':
    case 'C':
    case 'P':
      return 8;
    case 'M':
    case 'Q':
      return 16;
    default:
      return 0;
  }
}

template <class Word>
Word big_endian(std::byte const* at) {
  Word word = 0;
  for (std::size_t i = 0; i < sizeof(Word); ++i)
    word = static_cast<Word>(word << 8 | static_cast<Word>(std::to_integer<unsigned>(at[i])));
  return word;
}

std::int64_t stored_integer(char type, std::byte const* at) {
  switch (type) {
    case 'B':
      return std::to_integer<std::int64_t>(*at);
    case 'I':
      return static_cast<std::int16_t>(big_endian<std::uint16_t>(at));
    case 'J':
      return static_cast<std::int32_t>(big_endian<std::uint32_t>(at));
    default:
      return static_cast<std::int64_t>(big_endian<std::uint64_t>(at));
  }
}

double stored_real(char type, std::byte const* at) {
  if (type == 'E') return static_cast<double>(std::bit_cast<float>(big_endian<std::uint32_t>(at)));
  return std::bit_cast<double>(big_endian<std::uint64_t>(at));
}

std::string text_at(std::byte const* at, std::int64_t length) {
  std::string text(reinterpret_cast<char const*>(at), static_cast<std::size_t>(length));
  if (auto const end = text.find('\0'); end != std::string::npos) text.resize(end);
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

constexpr double TwoTo63 = 9223372036854775808.0;

/// The value of a stored integer where it is an integer too: TSCAL 1, and a whole TZERO. Nothing where it does not fit.
std::optional<std::int64_t> shifted(FitsColumn const& column, std::int64_t stored) {
  if (column.scale != 1 || column.zero != std::trunc(column.zero)) return std::nullopt;
  if (column.zero == TwoTo63) {  // how FITS has unsigned integers of 64 bits
    if (stored >= 0) return std::nullopt;
    return stored + std::numeric_limits<std::int64_t>::max() + 1;  // stored < 0: no overflow
  }
  std::int64_t value = 0;
  if (!(std::abs(column.zero) < TwoTo63) ||
      __builtin_add_overflow(stored, static_cast<std::int64_t>(column.zero), &value))
    return std::nullopt;
  return value;
}

/// As `shifted`, rounded once.
double scaled(FitsColumn const& column, std::int64_t stored) {
  if (column.scale == 1 && column.zero == TwoTo63)
    return static_cast<double>(static_cast<std::uint64_t>(stored) + (1ULL << 63));
  return column.zero + column.scale * static_cast<double>(stored);
}

/// Integers; reals where they are scaled, missing in a row, or too large.
void decode_integers(FitsColumn const& column, std::span<std::byte const> data, std::int64_t rows,
                     std::int64_t row_bytes, TableColumn& result) {
  bool whole = true;
  std::vector<std::int64_t> integers;
  std::vector<double> reals;
  for (std::int64_t row = 0; row < rows; ++row) {
    auto const stored = stored_integer(column.type, data.data() + row * row_bytes + column.offset);
    bool const missing = column.null && stored == *column.null;
    reals.push_back(missing ? std::numeric_limits<double>::quiet_NaN() : scaled(column, stored));
    auto const value = missing ? std::nullopt : shifted(column, stored);
    whole = whole && value;
    if (whole) integers.push_back(*value);
  }
  if (whole)
    result.values = std::move(integers);
  else
    result.values = std::move(reals);
}

}  // namespace

bool FitsColumn::is_single() const {
  if (type == 'A') return repeat >= 1;
  return repeat == 1 && std::string_view("LBIJKED").find(type) != std::string_view::npos;
}

std::vector<FitsColumn> describe_columns(Hdu const& table, std::string const& where) {
  auto const count = table.header.integer("TFIELDS").value_or(-1);
  if (count < 0 || count > 999)
    throw InputError({"keyword TFIELDS is wrong or missing", where, "an integer from 0 to 999", std::to_string(count),
                      "the header is damaged: get the file again"});
  std::vector<FitsColumn> columns;
  std::int64_t offset = 0;
  for (long long k = 1; k <= count; ++k) {
    auto const number = std::to_string(k);
    auto const form = table.header.text("TFORM" + number).value_or("");
    FitsColumn column;
    auto const [end, error] = std::from_chars(form.data(), form.data() + form.size(), column.repeat);
    if (error == std::errc::invalid_argument) column.repeat = 1;
    column.type = end == form.data() + form.size() ? '\0' : *end;
    auto const width = column.type == 'X' ? 1 : bytes_of(column.type);
    std::int64_t bytes = column.type == 'X' ? column.repeat / 8 + (column.repeat % 8 != 0) : column.repeat;
    if (error == std::errc::result_out_of_range || width == 0 || column.repeat < 0 ||
        __builtin_mul_overflow(bytes, width, &bytes) || bytes > table.nx() - offset)
      throw InputError({"keyword TFORM" + number + " is wrong or missing", where,
                        "a column format within the row, as 1D or 20A", form.empty() ? "none" : "'" + form + "'",
                        "the header is damaged: get the file again"});
    column.offset = offset;
    offset += bytes;
    column.name = table.header.text("TTYPE" + number).value_or("col" + number);
    column.unit = table.header.text("TUNIT" + number).value_or("");
    column.scale = table.header.real("TSCAL" + number).value_or(1);
    column.zero = table.header.real("TZERO" + number).value_or(0);
    column.null = table.header.integer("TNULL" + number);
    columns.push_back(std::move(column));
  }
  if (offset != table.nx())
    throw InputError({"rows and columns disagree", where, fmt::format("columns of {} bytes (NAXIS1)", table.nx()),
                      fmt::format("{} bytes", offset), "the header is damaged: get the file again"});
  return columns;
}

TableColumn decode_column(FitsColumn const& column, std::span<std::byte const> data, std::int64_t rows,
                          std::int64_t row_bytes) {
  TableColumn result;
  result.name = column.name;
  result.unit = column.unit;
  auto const each = [&](auto values, auto decode) {
    values.reserve(static_cast<std::size_t>(rows));
    for (std::int64_t row = 0; row < rows; ++row)
      values.push_back(decode(data.data() + row * row_bytes + column.offset));
    result.values = std::move(values);
  };
  switch (column.type) {
    case 'L':
      each(std::vector<bool>(), [](std::byte const* at) { return *at == std::byte{'T'}; });
      break;
    case 'A':
      each(std::vector<std::string>(), [&](std::byte const* at) { return text_at(at, column.repeat); });
      break;
    case 'E':
    case 'D':
      each(std::vector<double>(),
           [&](std::byte const* at) { return column.zero + column.scale * stored_real(column.type, at); });
      break;
    default:
      decode_integers(column, data, rows, row_bytes, result);
  }
  return result;
}

}  // namespace tessera::io
