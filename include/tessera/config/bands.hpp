// Bands of a survey: filter, instrument, channel, science or background (spec 40, 0.1 and 0.7).
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "tessera/config/value.hpp"

namespace tessera::config {

enum class Instrument { Nircam, Miri, Niriss };
enum class Channel { Single, Short, Long };  ///< only NIRCam has a short and a long channel

/// "nircam", "miri" or "niriss".
std::string instrument_name(Instrument instrument);

/// One entry of `bands`. Two bands are the same product when their names are equal.
struct Band {
  std::string name;    ///< as written, e.g. "F770W_bgr": the band's folder
  std::string filter;  ///< "F770W"
  Instrument instrument = Instrument::Nircam;
  Channel channel = Channel::Single;
  bool is_background = false;  ///< an image of the off observations
  double pixel_scale_arcsec = 0;
  double fwhm_pixel = 0;       ///< of the PSF, in detector pixels: the star finder's kernel; 0: unknown (NIRISS)
  std::string filter_keyword;  ///< FILTER of its exposures
  std::string pupil_keyword;   ///< PUPIL of its exposures; empty where the instrument has none (MIRI)
  std::string detector_glob;   ///< shell pattern of its detectors in file names: "nrc*", "mirimage", "nis"

  /// "F770W" of "F770W_bgr": the name that keys of parameter tables use.
  std::string science_name() const;
  /// "nircam_short" or "nircam_long"; empty for the others.
  std::string channel_name() const;
};

/// FILTER[_niriss|_nircam|_miri][_bgr]. A filter of both NIRCam and NIRISS means NIRCam unless the suffix says so.
/// Throws ConfigError naming the nearest known band; `place` and `key` go into its `where`.
Band parse_band(std::string_view name, Place const& place = {}, std::string_view key = "bands");

/// All filters, NIRCam then MIRI, by wavelength.
std::vector<std::string> const& known_filters();

}  // namespace tessera::config
