#include "tessera/config/wcs_adjust_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

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
  if (auto const* tangent = table.find("tangent")) adjustment.tangent = read_pair(*tangent, key + ".tangent");
  if (auto const* files = table.find("files")) {
    if (!files->is_integer() || files->integer() < 0 || files->integer() > 1000000)
      throw ConfigError({.what = "wrong value",
                         .where = where_text(files->place(), key + ".files"),
                         .expected = "a number of exposures",
                         .found = files->describe()});
    adjustment.files = static_cast<int>(files->integer());
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

bool are_digits(std::string_view text, std::size_t count) {
  return text.size() == count && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); });
}

}  // namespace

std::string nircam_module(std::string_view detector) {
  return detector.starts_with("nrca") || detector.starts_with("nrcb") ? std::string(detector.substr(0, 4)) : "";
}

std::vector<std::string> adjustment_keys(ExposureName const& exposure, Instrument instrument) {
  std::vector<std::string> keys;
  auto const module = nircam_module(exposure.detector);
  if (!module.empty()) keys.push_back(exposure.exposure_key() + "_" + module);
  keys.push_back(exposure.exposure_key());
  if (!module.empty()) keys.push_back(exposure.visit_key() + "_" + module);
  keys.push_back(exposure.visit_key() + "_" + instrument_name(instrument));
  keys.push_back(exposure.visit_key());
  return keys;
}

bool is_adjustment_key(std::string_view key) {
  if (!key.starts_with("jw") || key.size() < 13 || !are_digits(key.substr(2, 11), 11)) return false;
  auto rest = key.substr(13);
  bool const of_exposure = rest.size() >= 12 && rest[0] == '_' && rest[6] == '_' && are_digits(rest.substr(1, 2), 2) &&
                           are_digits(rest.substr(7, 5), 5);
  if (of_exposure) rest = rest.substr(12);
  if (rest.empty() || rest == "_nrca" || rest == "_nrcb") return true;
  return !of_exposure && (rest == "_nircam" || rest == "_miri" || rest == "_niriss");
}

WcsAdjustment const* WcsAdjustments::find(ExposureName const& exposure, Instrument instrument) const {
  for (auto const& key : adjustment_keys(exposure, instrument))
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
    auto const& shift = adjustment.shift_arcsec;
    auto const& matrix = adjustment.matrix;
    auto const pair = [](std::array<double, 2> const& values, int digits) {
      return fmt::format("[{}, {}]", rounded(values[0], digits), rounded(values[1], digits));
    };
    text += fmt::format("{}.shift = {}\n", key, pair(shift, decimals.shift));
    text += fmt::format("{}.matrix = [\n\t{},\n\t{}\n]\n", key, pair(matrix[0], decimals.matrix),
                        pair(matrix[1], decimals.matrix));
    constexpr int TangentDecimals = 9;
    if (adjustment.tangent) text += fmt::format("{}.tangent = {}\n", key, pair(*adjustment.tangent, TangentDecimals));
    if (adjustment.files > 0) text += fmt::format("{}.files = {}\n", key, adjustment.files);
    text += "\n";
  }
  return text;
}

}  // namespace tessera::config
