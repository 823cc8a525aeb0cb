#include "tessera/simulate/bands.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "tessera/core/error.hpp"
#include "tessera/core/nearest_name.hpp"
#include "tessera/simulate/siaf.hpp"

namespace tessera::simulate {
namespace {

struct Width {
  char const* band;
  double fwhm;
};

/// Spec 40, table 0.7: FWHM in detector pixels.
constexpr std::array<Width, 38> Widths{{
    {"F070W", .987},   {"F090W", 1.103},  {"F115W", 1.298},  {"F140M", 1.553},  {"F150W", 1.628},  {"F162M", 1.770},
    {"F164N", 1.801},  {"F150W2", 1.494}, {"F182M", 1.990},  {"F187N", 2.060},  {"F200W", 2.141},  {"F210M", 2.304},
    {"F212N", 2.341},  {"F250M", 1.340},  {"F277W", 1.444},  {"F300M", 1.585},  {"F322W2", 1.547}, {"F323N", 1.711},
    {"F335M", 1.760},  {"F356W", 1.830},  {"F360M", 1.901},  {"F405N", 2.165},  {"F410M", 2.179},  {"F430M", 2.300},
    {"F444W", 2.302},  {"F460M", 2.459},  {"F466N", 2.507},  {"F470N", 2.535},  {"F480M", 2.574},  {"F560W", 1.882},
    {"F770W", 2.445},  {"F1000W", 2.982}, {"F1130W", 3.409}, {"F1280W", 3.818}, {"F1500W", 4.436}, {"F1800W", 5.373},
    {"F2100W", 6.127}, {"F2550W", 7.300},
}};

/// Filters that sit in the pupil wheel, behind a wide one.
std::string filter_of(std::string const& band) {
  if (band == "F162M" || band == "F164N") return "F150W2";
  if (band == "F323N") return "F322W2";
  if (band == "F405N" || band == "F466N" || band == "F470N") return "F444W";
  return band;
}

/// Background at L2 in MJy/sr: zodiacal light, and the telescope's own heat beyond 12 micron. Rough, for the noise
/// only.
double typical_background(double wavelength) {
  constexpr std::array<std::array<double, 2>, 12> Table{{{0.7, 0.15},
                                                         {2, 0.15},
                                                         {3.5, 0.12},
                                                         {5, 0.4},
                                                         {5.6, 1.5},
                                                         {7.7, 6},
                                                         {10, 20},
                                                         {11.3, 28},
                                                         {15, 60},
                                                         {18, 110},
                                                         {21, 230},
                                                         {25.5, 700}}};
  if (wavelength <= Table.front()[0]) return Table.front()[1];
  for (std::size_t k = 1; k < Table.size(); ++k)
    if (wavelength <= Table[k][0]) {
      double const t = (wavelength - Table[k - 1][0]) / (Table[k][0] - Table[k - 1][0]);
      return Table[k - 1][1] + t * (Table[k][1] - Table[k - 1][1]);
    }
  return Table.back()[1];
}

}  // namespace

Band make_band(std::string const& name, SimulationSettings const& settings) {
  auto const width = std::find_if(Widths.begin(), Widths.end(), [&](Width const& w) { return name == w.band; });
  if (width == Widths.end()) {
    std::vector<std::string> known;
    for (Width const& w : Widths) known.emplace_back(w.band);
    throw ConfigError(
        {"unknown band", "bands", "an imaging filter of NIRCam or MIRI", "'" + name + "'", suggest_name(name, known)});
  }
  Band band;
  band.name = name;
  band.fwhm = width->fwhm;
  band.wavelength = std::stod(name.substr(1)) / 100;
  band.channel = band.wavelength > 5.5   ? Channel::Miri
                 : band.wavelength > 2.3 ? Channel::NircamLong
                                         : Channel::NircamShort;
  band.filter = filter_of(name);
  if (!band.is_miri()) band.pupil = band.filter == name ? "CLEAR" : name;
  band.background = typical_background(band.wavelength);
  bool const narrow = name.back() == 'N', medium = name.back() == 'M';
  if (band.is_miri()) {
    band.exposure_time = 110;
    band.read_noise = 14;
    band.gain = 3.1;
    band.photmjsr = 0.5;
  } else {
    band.exposure_time = 107;
    band.read_noise = 8;
    band.gain = band.channel == Channel::NircamShort ? 2.1 : 1.8;
    band.photmjsr = (band.channel == Channel::NircamShort ? 1.6 : 0.5) * (narrow ? 15 : medium ? 2.5 : 1);
  }
  band.level_rms = settings.levels.rms;
  band.stripe_rms = settings.stripes.rms;
  if (auto const own = settings.band.find(name); own != settings.band.end()) {
    auto const take = [](double& value, std::optional<double> const& wish) { value = wish.value_or(value); };
    take(band.exposure_time, own->second.exposure_time);
    take(band.background, own->second.background);
    take(band.read_noise, own->second.read_noise);
    take(band.photmjsr, own->second.photmjsr);
    take(band.fwhm, own->second.fwhm);
    take(band.level_rms, own->second.level_rms);
    take(band.stripe_rms, own->second.stripe_rms);
  }
  auto const& use = settings.detectors.use;
  for (std::string const& detector : use) find_aperture(detector);  // says which name is wrong
  for (SiafAperture const& aperture : siaf_apertures()) {
    bool const is_long = aperture.detector.ends_with("long"), is_miri = aperture.detector == "mirimage";
    bool const belongs = band.is_miri() ? is_miri : !is_miri && is_long == (band.channel == Channel::NircamLong);
    if (belongs && (use.empty() || std::find(use.begin(), use.end(), aperture.detector) != use.end()))
      band.detectors.push_back(aperture.detector);
  }
  if (band.detectors.empty())
    throw ConfigError(
        {"band " + name + " has no detector left", "detectors.use", "at least one detector of every band", "none", ""});
  return band;
}

}  // namespace tessera::simulate
