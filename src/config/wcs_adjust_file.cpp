#include "tessera/config/wcs_adjust_file.hpp"

#include <fmt/format.h>

#include "tessera/config/toml_file.hpp"
#include "tessera/core/error.hpp"

namespace tessera::config {

namespace {

std::array<double, 2> read_pair(Value const& value, std::string const& key) {
  bool const is_pair =
      value.is_list() && value.list().size() == 2 && value.list()[0].is_number() && value.list()[1].is_number();
  if (!is_pair)
    throw ConfigError({.what = "wrong value",
                       .where = where_text(value.place(), key),
                       .expected = "a list of two numbers",
                       .found = value.is_list() ? value.json() : value.describe()});
  return {value.list()[0].number(), value.list()[1].number()};
}

WcsAdjustment read_adjustment(Value const& table, std::string const& key) {
  WcsAdjustment adjustment;
  if (auto const* shift = table.find("shift")) adjustment.shift_arcsec = read_pair(*shift, key + ".shift");
  if (auto const* matrix = table.find("matrix")) {
    if (!matrix->is_list() || matrix->list().size() != 2)
      throw ConfigError({.what = "wrong value",
                         .where = where_text(matrix->place(), key + ".matrix"),
                         .expected = "two lists of two numbers",
                         .found = matrix->describe()});
    for (std::size_t row = 0; row < 2; ++row) adjustment.matrix[row] = read_pair(matrix->list()[row], key + ".matrix");
  }
  return adjustment;
}

WcsAdjustments read_adjustments(Value const& file) {
  auto const* table = file.find("wcs_adjust");
  if (!table || !table->is_table())
    throw ConfigError({.what = "no table of shifts", .where = file.place().file, .expected = "a table [wcs_adjust]"});
  WcsAdjustments adjustments;
  for (auto const& [key, value] : table->table()) {
    std::string const dotted = "wcs_adjust." + key;
    if (!value.is_table())
      throw ConfigError({.what = "wrong type",
                         .where = where_text(value.place(), dotted),
                         .expected = "a table with shift and matrix",
                         .found = value.describe()});
    adjustments.by_key[key] = read_adjustment(value, dotted);
  }
  return adjustments;
}

/// `value` rounded to so many decimals, without trailing zeros but with a point: "0.1", "1.0".
std::string rounded(double value, int decimals) {
  std::string text = fmt::format("{:.{}f}", value, decimals);
  while (text.ends_with('0') && !text.ends_with(".0")) text.pop_back();
  return text == "-0.0" ? "0.0" : text;
}

}  // namespace

WcsAdjustment const* WcsAdjustments::find(ExposureName const& exposure, Instrument instrument) const {
  for (auto const& key :
       {exposure.exposure_key(), exposure.visit_key() + "_" + instrument_name(instrument), exposure.visit_key()})
    if (auto const found = by_key.find(key); found != by_key.end()) return &found->second;
  return nullptr;
}

WcsAdjustments parse_wcs_adjust(std::string_view text, std::string_view name) {
  return read_adjustments(parse_toml(text, name));
}

WcsAdjustments read_wcs_adjust(std::filesystem::path const& path) { return read_adjustments(read_toml(path)); }

std::string format_wcs_adjust(WcsAdjustments const& adjustments, WcsAdjustDecimals decimals) {
  std::string text = "[wcs_adjust]\n\n";
  for (auto const& [key, adjustment] : adjustments.by_key) {
    auto const& [shift, matrix] = adjustment;
    auto const pair = [](std::array<double, 2> const& values, int digits) {
      return fmt::format("[{}, {}]", rounded(values[0], digits), rounded(values[1], digits));
    };
    text += fmt::format("{}.shift = {}\n", key, pair(shift, decimals.shift));
    text += fmt::format("{}.matrix = [\n\t{},\n\t{}\n]\n\n", key, pair(matrix[0], decimals.matrix),
                        pair(matrix[1], decimals.matrix));
  }
  return text;
}

}  // namespace tessera::config
