#include "aperture_reference.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "tessera/core/error.hpp"
#include "tessera/io/asdf_document.hpp"
#include "tessera/io/source_table.hpp"

namespace tessera::steps {

namespace {

/// Upper case, without blanks around it.
std::string plain(std::string text) {
  while (!text.empty() && text.back() == ' ') text.pop_back();
  text.erase(0, std::min(text.find_first_not_of(' '), text.size()));
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

/// What a row must name to be of the mosaic's band.
struct BandKeys {
  std::string filter, second_name, second;  ///< second_name "pupil", "subarray" or empty
  bool fits(std::string const& row_filter, std::string const& row_second) const {
    return plain(row_filter) == filter && (second_name.empty() || plain(row_second) == second);
  }
  std::string text() const { return second_name.empty() ? filter : filter + ", " + second_name + " " + second; }
};

BandKeys keys_of(model::Header const& primary, char const* second_of_miri) {
  BandKeys keys;
  keys.filter = plain(primary.text("FILTER").value_or(""));
  bool const is_miri = plain(primary.text("INSTRUME").value_or("")) == "MIRI";
  keys.second_name = is_miri ? second_of_miri : "pupil";
  if (!keys.second_name.empty()) keys.second = plain(primary.text(is_miri ? "SUBARRAY" : "PUPIL").value_or(""));
  return keys;
}

std::vector<std::string> texts_of(io::SourceTable const& table, std::string const& name, std::string const& path) {
  auto const* column = table.find(name);
  auto const* texts = column ? std::get_if<std::vector<std::string>>(&column->values) : nullptr;
  if (texts) return *texts;
  std::string names;
  for (auto const& each : table.columns) names += (names.empty() ? "" : ", ") + each.name;
  throw InputError({"this is no APCORR reference", path, "a column of texts '" + name + "'",
                    names.empty() ? "no columns" : "columns " + names,
                    "give an imaging APCORR file of this instrument"});
}

void read_apertures(SourceCatalogOptions const& options, model::Header const& primary, ApertureReference& reference,
                    std::string& remarks) {
  auto const& path = options.apcorr;
  auto const table = io::read_table(path);
  auto const keys = keys_of(primary, "subarray");
  auto const filters = texts_of(table, "filter", path), seconds = texts_of(table, keys.second_name, path);
  auto const energies = table.numbers("eefraction", path), radii = table.numbers("radius", path),
             corrections = table.numbers("apcorr", path), inner = table.numbers("skyin", path),
             outer = table.numbers("skyout", path);
  ApertureReference found;
  std::array<int, 3> rows_of{};
  bool has_ring = false;
  for (std::size_t row = 0; row < filters.size(); ++row) {
    if (!keys.fits(filters[row], seconds[row])) continue;
    if (has_ring && (inner[row] != found.inner || outer[row] != found.outer))
      throw InputError({"several background rings for one band", path, "one skyin and skyout for " + keys.text(),
                        fmt::format("{} to {} and {} to {}", found.inner, found.outer, inner[row], outer[row]),
                        "give an APCORR file with one ring a band"});
    found.inner = inner[row];
    found.outer = outer[row];
    has_ring = true;
    auto const percent = std::lround(100 * energies[row]);
    for (std::size_t k = 0; k < 3; ++k) {
      if (percent != options.aperture_ee[k]) continue;
      found.radii[k] = radii[row];
      found.corrections[k] = corrections[row];
      ++rows_of[k];
    }
  }
  bool const complete = std::all_of(rows_of.begin(), rows_of.end(), [](int rows) { return rows == 1; });
  if (!complete) {
    remarks +=
        fmt::format("{} has {} rows of {} for encircled energies of {}, {}, {} %: ", path, has_ring ? "not the" : "no",
                    keys.text(), options.aperture_ee[0], options.aperture_ee[1], options.aperture_ee[2]);
    return;
  }
  bool const is_ring = found.inner >= 0 && found.outer > found.inner && found.outer < 1000;
  bool const grows =
      found.radii[0] > 0 && found.radii[1] > found.radii[0] && found.radii[2] > found.radii[1] && found.radii[2] < 1000;
  if (!is_ring || !grows)
    throw InputError({"radii that cannot be", path, "0 < radii that increase, skyin < skyout, all below 1000 pixels",
                      fmt::format("{}, {}, {} and {} to {}", found.radii[0], found.radii[1], found.radii[2],
                                  found.inner, found.outer),
                      "correct the APCORR file"});
  found.has_apertures = true;
  reference = found;
}

void read_offset(SourceCatalogOptions const& options, model::Header const& primary, ApertureReference& reference,
                 std::string& remarks) {
  auto const& path = options.abvegaoffset;
  auto const document = io::AsdfDocument::read(path);
  auto const keys = keys_of(primary, "");
  auto const column = [&](std::string const& name) { return document.table_column("abvega_offset", name); };
  auto const filters = column("filter").to_strings();
  auto const seconds = keys.second_name.empty() ? filters : column(keys.second_name).to_strings();
  auto const offsets = column("abvega_offset").to_doubles();
  for (std::size_t row = 0; row < filters.size() && row < offsets.size() && row < seconds.size(); ++row) {
    if (!keys.fits(filters[row], seconds[row])) continue;
    reference.abvega_offset = offsets[row];
    reference.has_offset = true;
    return;
  }
  remarks += fmt::format("{} has no row of {}: ", path, keys.text());
}

}  // namespace

ApertureReference read_aperture_reference(SourceCatalogOptions const& options, model::Header const& primary,
                                          std::string& remarks) {
  ApertureReference reference;
  if (options.apcorr.empty())
    remarks += "no APCORR reference file (override_apcorr): ";
  else
    read_apertures(options, primary, reference, remarks);
  if (!reference.has_apertures)
    remarks += "fluxes are those in radii of 1, 2 and 3 detector pixels without aperture correction. ";
  if (options.abvegaoffset.empty())
    remarks += "no ABVEGAOFFSET reference file (override_abvegaoffset): ";
  else
    read_offset(options, primary, reference, remarks);
  if (!reference.has_offset) remarks += "Vega magnitudes are AB magnitudes. ";
  return reference;
}

}  // namespace tessera::steps
