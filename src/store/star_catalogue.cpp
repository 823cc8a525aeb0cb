#include "tessera/store/star_catalogue.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <limits>
#include <numeric>
#include <string_view>

#include "tessera/core/error.hpp"
#include "tessera/io/source_table.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::store {

namespace {

constexpr double GaiaEpoch = 2016.0;  ///< Julian year of Gaia DR3's positions
constexpr double J2000 = 2000.0;      ///< of columns that are named so: VizieR carries positions to it
constexpr double DegreesPerMas = 1.0 / 3.6e6;

struct NamePair {
  char const* first;
  char const* second;
};
struct PositionNames : NamePair {
  double epoch = GaiaEpoch;  ///< where the table does not say
};
/// The first that are there count: those at the epoch of the survey before those carried to 2000.
constexpr std::array<PositionNames, 6> SkyNames{{{{"ra", "dec"}},
                                                 {{"sky_centroid.ra", "sky_centroid.dec"}},
                                                 {{"RA_ICRS", "DE_ICRS"}},
                                                 {{"RAJ2000", "DEJ2000"}, J2000},
                                                 {{"ALPHA_J2000", "DELTA_J2000"}, J2000},
                                                 {{"_RAJ2000", "_DEJ2000"}, J2000}}};
constexpr std::array<NamePair, 2> PixelNames{{{"x", "y"}, {"xcentroid", "ycentroid"}}};

struct Unit {
  std::string_view name;
  double factor;
};

/// Letters and digits of a unit, in lower case: "mas / yr", "mas.yr**-1" and "mas/yr" are one.
std::string plain_unit(std::string const& unit) {
  std::string plain;
  for (unsigned char const c : unit)
    if (std::isalpha(c)) plain += static_cast<char>(std::tolower(c));
  return plain;
}

template <std::size_t N>
double unit_factor(io::TableColumn const& column, std::array<Unit, N> const& units, std::string const& where) {
  auto const plain = plain_unit(column.unit);
  if (plain.empty()) return 1;
  std::string known;
  for (auto const& unit : units) {
    if (unit.name == plain) return unit.factor;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", unit.name);
  }
  throw InputError({"unit of column '" + column.name + "' is not known", where, known, "'" + column.unit + "'",
                    "convert the column, or correct its unit"});
}

constexpr std::array<Unit, 9> AngleUnits{{{"deg", 1},
                                          {"degree", 1},
                                          {"degrees", 1},
                                          {"rad", sky::DegreesPerRadian},
                                          {"radian", sky::DegreesPerRadian},
                                          {"hourangle", 15},
                                          {"hour", 15},
                                          {"arcmin", 1.0 / 60},
                                          {"arcsec", 1.0 / 3600}}};
constexpr std::array<Unit, 9> MotionUnits{{{"masyr", 1},
                                           {"masa", 1},
                                           {"masyear", 1},
                                           {"arcsecyr", 1e3},
                                           {"arcseca", 1e3},
                                           {"uasyr", 1e-3},
                                           {"degyr", 1 / DegreesPerMas},
                                           {"dega", 1 / DegreesPerMas},
                                           {"milliarcsecyr", 1}}};

template <class Names, std::size_t N>
Names const* find_pair(io::SourceTable const& table, std::array<Names, N> const& names) {
  auto const found = std::find_if(names.begin(), names.end(), [&](NamePair const& pair) {
    return table.find(pair.first) && table.find(pair.second);
  });
  return found == names.end() ? nullptr : &*found;
}

std::vector<double> scaled_numbers(io::SourceTable const& table, char const* name, double factor,
                                   std::string const& where) {
  auto values = table.numbers(name, where);
  if (factor != 1)
    for (double& value : values) value *= factor;
  return values;
}

std::vector<double> angles(io::SourceTable const& table, char const* name, std::string const& where) {
  auto const& column = *table.find(name);
  if (std::holds_alternative<std::vector<std::string>>(column.values))
    throw InputError({"column '" + column.name + "' holds texts", where, "degrees as numbers",
                      "texts, as hours, minutes and seconds are", "convert the column to degrees"});
  return scaled_numbers(table, name, unit_factor(column, AngleUnits, where), where);
}

/// A column that need not be there.
std::vector<double> optional_numbers(io::SourceTable const& table, char const* name, std::string const& where) {
  return table.find(name) ? table.numbers(name, where) : std::vector<double>();
}

std::string counted(std::size_t count, char const* singular, char const* plural) {
  return fmt::format("{} {}", count, count == 1 ? singular : plural);
}

[[noreturn]] void fail_position(char const* what, double value, std::size_t row, std::string const& where) {
  throw InputError({fmt::format("{} is outside its range", what), fmt::format("{}, row {}", where, row + 1),
                    what[0] == 'd' ? "degrees from -90 to 90" : "degrees from -360 to 360", fmt::format("{}", value),
                    "check which columns hold the position, and their units"});
}

/// Leaves out what follows an equal position, keeping the order; returns how many.
std::size_t drop_duplicates(std::vector<model::Star>& stars, auto coordinates) {
  std::vector<std::size_t> order(stars.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return coordinates(stars[a]) < coordinates(stars[b]); });
  std::vector<bool> doomed(stars.size(), false);
  for (std::size_t k = 1; k < order.size(); ++k)
    doomed[order[k]] = coordinates(stars[order[k]]) == coordinates(stars[order[k - 1]]);
  std::size_t kept = 0;
  for (std::size_t k = 0; k < stars.size(); ++k)
    if (!doomed[k]) stars[kept++] = stars[k];
  auto const dropped = stars.size() - kept;
  stars.resize(kept);
  return dropped;
}

void move(model::Star& star, double pmra, double pmdec, double years) {
  auto const axes = sky::tangent_axes({star.ra, star.dec});
  double const scale = years * DegreesPerMas * sky::RadiansPerDegree;
  auto const moved = sky::to_sky(axes.centre + (pmra * scale) * axes.east + (pmdec * scale) * axes.north);
  star.ra = moved.ra;
  star.dec = moved.dec;
}

std::vector<double> weights_or_ones(io::SourceTable const& table, std::size_t rows, std::string const& where) {
  auto weights = optional_numbers(table, "weight", where);
  if (weights.empty()) weights.assign(rows, 1.0);
  return weights;
}

bool is_weight(double value) { return value >= 0 && std::isfinite(value); }

/// Proper motions of a table, where it has them.
struct Motions {
  std::vector<double> pmra, pmdec;  ///< mas a year, the first with cos(dec)
  std::vector<double> ref_epoch;    ///< Julian years; may be empty
  double default_epoch = GaiaEpoch;
  std::string warning;

  bool empty() const { return pmra.empty(); }
  bool has(std::size_t row) const { return std::isfinite(pmra[row]) && std::isfinite(pmdec[row]); }
  double years(std::size_t row, double epoch) const {
    return epoch - (ref_epoch.empty() || !std::isfinite(ref_epoch[row]) ? default_epoch : ref_epoch[row]);
  }
};

Motions read_motions(io::SourceTable const& table, double default_epoch, std::string const& where) {
  char const* const dec_name = table.find("pmdec") ? "pmdec" : "pmde";  // the second is VizieR's
  auto const *pmra = table.find("pmra"), *pmdec = table.find(dec_name);
  Motions motions;
  motions.default_epoch = default_epoch;
  if (!pmra && !pmdec) return motions;
  if (!pmra || !pmdec) {
    motions.warning = fmt::format("there is a column {}, but none of the proper motion in {}: no star is moved",
                                  (pmra ? pmra : pmdec)->name, pmra ? "declination" : "right ascension");
    return motions;
  }
  motions.pmra = scaled_numbers(table, "pmra", unit_factor(*pmra, MotionUnits, where), where);
  motions.pmdec = scaled_numbers(table, dec_name, unit_factor(*pmdec, MotionUnits, where), where);
  motions.ref_epoch = optional_numbers(table, "ref_epoch", where);
  return motions;
}

void finish(StarCatalogue& catalogue, std::size_t without_position, std::size_t without_weight, std::size_t duplicates,
            std::string const& where) {
  if (without_position > 0)
    catalogue.warnings.push_back(
        counted(without_position, "row without a position is left out", "rows without a position are left out"));
  if (without_weight > 0)
    catalogue.warnings.push_back(counted(without_weight, "row without a weight, or a negative one, is left out",
                                         "rows without a weight, or a negative one, are left out"));
  if (duplicates > 0)
    catalogue.warnings.push_back(counted(duplicates, "duplicate is left out", "duplicates are left out"));
  if (catalogue.stars.empty())
    throw InputError({"the catalogue has no usable row", where, "rows with a finite position",
                      catalogue.warnings.empty() ? "no rows" : fmt::format("{}", fmt::join(catalogue.warnings, "; ")),
                      "give a catalogue that covers the field"});
}

}  // namespace

StarCatalogue read_star_catalogue(std::filesystem::path const& path, std::optional<double> epoch) {
  auto const table = io::read_table(path);
  auto const where = path.string();
  auto const* names = find_pair(table, SkyNames);
  if (!names) {
    table.numbers("ra", where);  // says which columns there are
    table.numbers("dec", where);
  }
  auto const ra = angles(table, names->first, where), dec = angles(table, names->second, where);
  auto const weights = weights_or_ones(table, ra.size(), where);
  std::vector<double> x, y;
  if (auto const* pixels = find_pair(table, PixelNames)) {
    x = table.numbers(pixels->first, where);
    y = table.numbers(pixels->second, where);
  }
  auto const motions = epoch ? read_motions(table, names->epoch, where) : Motions();

  StarCatalogue catalogue;
  std::size_t without_position = 0, without_weight = 0, without_motion = 0;
  for (std::size_t row = 0; row < ra.size(); ++row) {
    if (!std::isfinite(ra[row]) || !std::isfinite(dec[row])) {
      ++without_position;
      continue;
    }
    if (std::abs(dec[row]) > 90) fail_position("declination", dec[row], row, where);
    if (std::abs(ra[row]) > 360) fail_position("right ascension", ra[row], row, where);
    if (!is_weight(weights[row])) {
      ++without_weight;
      continue;
    }
    model::Star star;
    star.x = x.empty() ? std::numeric_limits<double>::quiet_NaN() : x[row];
    star.y = y.empty() ? std::numeric_limits<double>::quiet_NaN() : y[row];
    star.ra = ra[row] < 0 ? ra[row] + 360 : ra[row];
    star.dec = dec[row];
    star.weight = weights[row];
    if (!motions.empty()) {
      if (motions.has(row))
        move(star, motions.pmra[row], motions.pmdec[row], motions.years(row, *epoch));
      else
        ++without_motion;
    }
    catalogue.stars.push_back(star);
  }
  auto const duplicates =
      drop_duplicates(catalogue.stars, [](model::Star const& star) { return std::pair(star.ra, star.dec); });
  finish(catalogue, without_position, without_weight, duplicates, where);
  if (!motions.warning.empty()) catalogue.warnings.push_back(motions.warning);
  if (without_motion > 0)
    catalogue.warnings.push_back(counted(without_motion, "star has no proper motion and stays where it was",
                                         "stars have no proper motion and stay where they were"));
  return catalogue;
}

StarCatalogue read_image_catalogue(std::filesystem::path const& path) {
  auto const table = io::read_table(path);
  auto const where = path.string();
  auto const* names = find_pair(table, PixelNames);
  if (!names) {
    table.numbers("x", where);  // says which columns there are
    table.numbers("y", where);
  }
  auto const x = table.numbers(names->first, where), y = table.numbers(names->second, where);
  auto const flux = optional_numbers(table, "flux", where);
  auto const weights = weights_or_ones(table, x.size(), where);

  StarCatalogue catalogue;
  std::size_t without_position = 0, without_weight = 0;
  for (std::size_t row = 0; row < x.size(); ++row) {
    if (!std::isfinite(x[row]) || !std::isfinite(y[row])) {
      ++without_position;
      continue;
    }
    if (!is_weight(weights[row])) {
      ++without_weight;
      continue;
    }
    model::Star star;
    star.x = x[row];
    star.y = y[row];
    star.flux = flux.empty() ? 0 : flux[row];
    star.weight = weights[row];
    catalogue.stars.push_back(star);
  }
  auto const duplicates =
      drop_duplicates(catalogue.stars, [](model::Star const& star) { return std::pair(star.x, star.y); });
  finish(catalogue, without_position, without_weight, duplicates, where);
  return catalogue;
}

}  // namespace tessera::store
