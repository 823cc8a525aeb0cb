#include "tessera/refs/photom_reference.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/fits_file.hpp"
#include "tessera/io/fits_table.hpp"

namespace tessera::refs {

namespace {

/// As values are compared: upper case, no blanks at the end.
std::string normal(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

/// One table of the file.
struct Table {
  std::string where;
  std::size_t rows = 0;
  io::SourceTable columns;

  std::vector<std::string> texts(std::string const& name) const {
    auto const* column = columns.find(name);
    auto const* values = column ? std::get_if<std::vector<std::string>>(&column->values) : nullptr;
    if (!values)
      throw InputError({"has no column '" + name + "' of text", where, "the columns of an imaging photom reference",
                        column ? "a column of numbers" : "no such column", "give a photom reference of imaging"});
    auto result = *values;
    for (auto& value : result) value = normal(std::move(value));
    return result;
  }
  double number(std::string const& name, std::size_t row) const { return columns.numbers(name, where).at(row); }
  bool has(std::string const& name) const { return columns.find(name) != nullptr; }
};

std::optional<Table> find_table(io::FitsFile const& file, std::string const& extname) {
  auto const* hdu = file.find(extname);
  if (!hdu) return std::nullopt;
  Table table{fmt::format("{}[{}]", file.path().string(), extname), static_cast<std::size_t>(hdu->ny()),
              io::read_fits_table(file, *hdu)};
  return table;
}

/// Columns that say which exposures a row is for, and what an exposure must have there.
using Criteria = std::vector<std::pair<std::string, std::string>>;

std::string describe(Criteria const& criteria) {
  std::string text;
  for (auto const& [column, value] : criteria) text += (text.empty() ? "" : " ") + normal(column) + "=" + value;
  return text;
}

std::string keyword_value(std::filesystem::path const& path, model::Header const& primary, char const* keyword) {
  if (auto const value = primary.text(keyword)) return normal(*value);
  throw InputError({fmt::format("the exposure has no {}", keyword), path.string(),
                    "the keyword in its primary header, to choose a row by", "none",
                    "the exposure is damaged: get it again"});
}

/// The one row that fits, if any.
std::optional<std::size_t> find_row(Table const& photom, Criteria const& criteria) {
  std::vector<bool> fits(photom.rows, true);
  for (auto const& [column, value] : criteria) {
    auto const texts = photom.texts(column);
    for (std::size_t row = 0; row < photom.rows; ++row) fits[row] = fits[row] && texts[row] == value;
  }
  auto const first = std::find(fits.begin(), fits.end(), true);
  if (first == fits.end()) return std::nullopt;
  if (auto const count = std::count(first, fits.end(), true); count > 1)
    throw InputError({"several rows fit the exposure", photom.where, "one row with " + describe(criteria),
                      fmt::format("{} rows", count), "choose another photom reference"});
  return static_cast<std::size_t>(first - fits.begin());
}

/// The row for an exposure (spec 20, 5.1), and what was looked for first.
std::pair<std::optional<std::size_t>, std::string> find_row(std::filesystem::path const& path, Table const& photom,
                                                            model::Header const& primary) {
  auto const filter = keyword_value(path, primary, "FILTER");
  if (keyword_value(path, primary, "INSTRUME") == "MIRI") {
    Criteria const own{{"filter", filter}, {"subarray", keyword_value(path, primary, "SUBARRAY")}};
    auto row = find_row(photom, own);
    if (!row) row = find_row(photom, {{"filter", filter}, {"subarray", "GENERIC"}});
    return {row, describe(own)};
  }
  Criteria own{{"filter", filter}, {"pupil", keyword_value(path, primary, "PUPIL")}};
  if (photom.has("subarray")) own.emplace_back("subarray", keyword_value(path, primary, "SUBARRAY"));
  return {find_row(photom, own), describe(own)};
}

/// Whether a table of time dependence goes with PHOTOM row by row.
void check_rows(Table const& coefficients, Table const& photom) {
  auto const complain = [&](std::string const& expected, std::string const& found) {
    throw InputError({"does not go with the PHOTOM table", coefficients.where, expected, found,
                      "the reference is damaged: get it again, or set apply_time_correction to false"});
  };
  if (coefficients.rows != photom.rows)
    complain(fmt::format("{} rows, as in PHOTOM", photom.rows), fmt::format("{} rows", coefficients.rows));
  for (char const* column : {"filter", "pupil", "subarray"}) {
    if (!photom.has(column) || !coefficients.has(column)) continue;
    auto const own = coefficients.texts(column), expected = photom.texts(column);
    auto const [at, other] = std::mismatch(own.begin(), own.end(), expected.begin());
    if (at != own.end())
      complain(fmt::format("{} '{}' in row {}, as in PHOTOM", column, *other, at - own.begin() + 1),
               fmt::format("'{}'", *at));
  }
}

/// Time dependence in its tables at `row`.
class TimeTables {
 public:
  TimeTables(io::FitsFile const& file, bool is_miri)
      : linear_(find_table(file, "TIMECOEFF_LINEAR")),
        exponential_(find_table(file, "TIMECOEFF_EXPONENTIAL")),
        power_law_(find_table(file, "TIMECOEFF_POWERLAW")) {
    if (is_miri && !linear_ && !exponential_ && !power_law_) additive_ = find_table(file, "TIMECOEFF");
  }

  bool empty() const { return !linear_ && !exponential_ && !power_law_ && !additive_; }

  void check(Table const& photom) const {
    for (auto const* table : {&linear_, &exponential_, &power_law_, &additive_})
      if (*table) check_rows(**table, photom);
  }

  /// The conversion at time `t` for the table's value.
  double convert(double photmjsr, std::size_t row, double t) const {
    if (additive_) {
      double const elapsed = t - additive_->number("t0", row);
      return photmjsr + additive_->number("amplitude", row) * std::exp(-elapsed / additive_->number("tau", row));
    }
    double correction = 1;
    if (linear_) correction *= 1 - linear_->number("lossperyear", row) * (t - linear_->number("t0", row)) / 365;
    if (exponential_) {
      double const elapsed = t - exponential_->number("t0", row);
      correction *= exponential_->number("amplitude", row) * std::exp(-elapsed / exponential_->number("tau", row)) +
                    exponential_->number("const", row);
    }
    if (power_law_) {
      double const soft = power_law_->number("tsoft", row), elapsed = t - power_law_->number("t0", row);
      correction *= power_law_->number("year1value", row) *
                    std::pow((elapsed + soft) / (365 + soft), power_law_->number("alpha", row));
    }
    return photmjsr / correction;
  }

 private:
  std::optional<Table> linear_, exponential_, power_law_;
  std::optional<Table> additive_;  ///< of references before version 1.20
};

void expect_positive(double value, std::string const& what, Table const& photom, std::string const& row) {
  if (value > 0 && std::isfinite(value)) return;
  throw InputError({what + " is no positive number", fmt::format("{}, row {}", photom.where, row),
                    "MJy/sr per DN/s, above 0", fmt::format("{}", value), "choose another photom reference"});
}

}  // namespace

PhotomConversion read_photom(std::filesystem::path const& path, model::Header const& primary,
                             bool apply_time_correction) {
  auto const file = io::FitsFile::open(path);
  auto const& own_header = file.hdus().front().header;
  file.require("PHOTOM");
  auto const photom = *find_table(file, "PHOTOM");
  TimeTables const time_tables(file, normal(primary.text("INSTRUME").value_or("")) == "MIRI");
  if (apply_time_correction) time_tables.check(photom);

  PhotomConversion result;
  result.pixar_sr = own_header.real("PIXAR_SR");
  result.pixar_a2 = own_header.real("PIXAR_A2");
  auto const [row, looked_for] = find_row(path, photom, primary);
  result.row = looked_for;
  if (!row) return result;
  double const stored = photom.number("photmjsr", *row);
  expect_positive(stored, "photmjsr", photom, looked_for);
  result.photmjsr = stored;
  if (!apply_time_correction || time_tables.empty()) return result;
  auto const time = primary.real("EXPMID");
  if (!time)
    throw InputError({"the exposure has no EXPMID", path.string(),
                      "the middle of the exposure (MJD) in its primary header: the reference depends on time", "none",
                      "the exposure is damaged: get it again, or set apply_time_correction to false"});
  double const converted = time_tables.convert(stored, *row, *time);
  expect_positive(converted, fmt::format("the conversion at MJD {}", *time), photom, looked_for);
  result.photmjsr = converted;
  result.correction = stored / converted;
  return result;
}

}  // namespace tessera::refs
