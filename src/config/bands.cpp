#include "tessera/config/bands.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "tessera/core/error.hpp"
#include "tessera/core/nearest_name.hpp"

namespace tessera::config {

namespace {

struct FilterRow {
  std::string_view name;
  double fwhm_pixel;
  std::string_view filter_keyword;  ///< empty: the filter itself, in the filter wheel
};

// FWHM and wheel positions of spec 40, 0.7. Narrow filters in the pupil wheel are read through a wide one.
constexpr FilterRow nircam_filters[] = {
    {"F070W", .987, ""},   {"F090W", 1.103, ""},       {"F115W", 1.298, ""},       {"F140M", 1.553, ""},
    {"F150W", 1.628, ""},  {"F162M", 1.770, "F150W2"}, {"F164N", 1.801, "F150W2"}, {"F150W2", 1.494, ""},
    {"F182M", 1.990, ""},  {"F187N", 2.060, ""},       {"F200W", 2.141, ""},       {"F210M", 2.304, ""},
    {"F212N", 2.341, ""},  {"F250M", 1.340, ""},       {"F277W", 1.444, ""},       {"F300M", 1.585, ""},
    {"F322W2", 1.547, ""}, {"F323N", 1.711, "F322W2"}, {"F335M", 1.760, ""},       {"F356W", 1.830, ""},
    {"F360M", 1.901, ""},  {"F405N", 2.165, "F444W"},  {"F410M", 2.179, ""},       {"F430M", 2.300, ""},
    {"F444W", 2.302, ""},  {"F460M", 2.459, ""},       {"F466N", 2.507, "F444W"},  {"F470N", 2.535, "F444W"},
    {"F480M", 2.574, ""},
};
constexpr FilterRow miri_filters[] = {
    {"F560W", 1.882, ""},  {"F770W", 2.445, ""},  {"F1000W", 2.982, ""}, {"F1130W", 3.409, ""}, {"F1280W", 3.818, ""},
    {"F1500W", 4.436, ""}, {"F1800W", 5.373, ""}, {"F2100W", 6.127, ""}, {"F2550W", 7.300, ""},
};
// NIRISS has its short filters in the pupil wheel, its long ones in the filter wheel. No FWHM table is given for it.
constexpr FilterRow niriss_filters[] = {
    {"F090W", 0, "CLEAR"}, {"F115W", 0, "CLEAR"}, {"F140M", 0, "CLEAR"}, {"F150W", 0, "CLEAR"},
    {"F158M", 0, "CLEAR"}, {"F200W", 0, "CLEAR"}, {"F277W", 0, ""},      {"F356W", 0, ""},
    {"F380M", 0, ""},      {"F430M", 0, ""},      {"F444W", 0, ""},      {"F480M", 0, ""},
};

template <std::size_t size>
FilterRow const* find_row(FilterRow const (&rows)[size], std::string_view filter) {
  auto const has_name = [&](FilterRow const& row) { return row.name == filter; };
  auto const found = std::find_if(std::begin(rows), std::end(rows), has_name);
  return found == std::end(rows) ? nullptr : found;
}

FilterRow const* find_row(Instrument instrument, std::string_view filter) {
  switch (instrument) {
    case Instrument::Nircam:
      return find_row(nircam_filters, filter);
    case Instrument::Miri:
      return find_row(miri_filters, filter);
    case Instrument::Niriss:
      return find_row(niriss_filters, filter);
  }
  return nullptr;
}

constexpr std::array every_instrument{Instrument::Nircam, Instrument::Miri, Instrument::Niriss};

bool remove_suffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

/// NIRCam's short channel ends at 2.12 micron: the first three digits of the filter are its wavelength in 0.01 micron.
Channel channel_of(Instrument instrument, std::string_view filter) {
  if (instrument != Instrument::Nircam) return Channel::Single;
  return std::stoi(std::string(filter.substr(1, 3))) <= 212 ? Channel::Short : Channel::Long;
}

double pixel_scale_of(Instrument instrument, Channel channel) {
  if (instrument == Instrument::Miri) return 0.11;
  if (instrument == Instrument::Niriss) return 0.065;
  return channel == Channel::Short ? 0.031 : 0.063;
}

void set_keywords(Band& band, FilterRow const& row) {
  switch (band.instrument) {
    case Instrument::Nircam:
      band.filter_keyword = row.filter_keyword.empty() ? row.name : row.filter_keyword;
      band.pupil_keyword = row.filter_keyword.empty() ? "CLEAR" : band.filter;
      band.detector_glob = "nrc*";
      break;
    case Instrument::Miri:
      band.filter_keyword = row.name;
      band.detector_glob = "mirimage";
      break;
    case Instrument::Niriss:
      band.filter_keyword = row.filter_keyword.empty() ? row.name : row.filter_keyword;
      band.pupil_keyword = row.filter_keyword.empty() ? "CLEARP" : band.filter;
      band.detector_glob = "nis";
      break;
  }
}

}  // namespace

std::string instrument_name(Instrument instrument) {
  switch (instrument) {
    case Instrument::Nircam:
      return "nircam";
    case Instrument::Miri:
      return "miri";
    case Instrument::Niriss:
      return "niriss";
  }
  return {};
}

std::string Band::science_name() const {
  std::string_view text = name;
  remove_suffix(text, "_bgr");
  return std::string(text);
}

std::string Band::channel_name() const {
  switch (channel) {
    case Channel::Single:
      return {};
    case Channel::Short:
      return "nircam_short";
    case Channel::Long:
      return "nircam_long";
  }
  return {};
}

Band parse_band(std::string_view name, Place const& place, std::string_view key) {
  std::string_view filter = name;
  Band band;
  band.name = name;
  band.is_background = remove_suffix(filter, "_bgr");
  std::optional<Instrument> asked;
  for (auto const instrument : every_instrument)
    if (remove_suffix(filter, "_" + instrument_name(instrument))) asked = instrument;
  for (auto const instrument : every_instrument) {
    if (asked && asked != instrument) continue;
    auto const* row = find_row(instrument, filter);
    if (!row) continue;
    band.filter = filter;
    band.instrument = instrument;
    band.channel = channel_of(instrument, filter);
    band.pixel_scale_arcsec = pixel_scale_of(instrument, band.channel);
    band.fwhm_pixel = row->fwhm_pixel;
    set_keywords(band, *row);
    return band;
  }
  std::vector<std::string> candidates = known_filters();
  for (auto const& row : niriss_filters) candidates.push_back(std::string(row.name) + "_niriss");
  std::size_t const plain_count = candidates.size();
  for (std::size_t index = 0; index < plain_count; ++index) candidates.push_back(candidates[index] + "_bgr");
  throw ConfigError({.what = "unknown band",
                     .where = where_text(place, key),
                     .expected = "FILTER[_nircam|_miri|_niriss][_bgr] with a filter of that instrument",
                     .found = "'" + std::string(name) + "'",
                     .remedy = suggest_name(name, candidates)});
}

std::vector<std::string> const& known_filters() {
  static std::vector<std::string> const names = [] {
    std::vector<std::string> all;
    for (auto const& row : nircam_filters) all.emplace_back(row.name);
    for (auto const& row : miri_filters) all.emplace_back(row.name);
    return all;
  }();
  return names;
}

}  // namespace tessera::config
