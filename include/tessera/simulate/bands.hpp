// What the simulator knows of a band: instrument, detectors, wavelength, PSF, noise.
#pragma once
#include <string>
#include <vector>

#include "tessera/config/simulation_settings.hpp"

namespace tessera::simulate {

using config::SimulationSettings;

enum class Channel { NircamShort, NircamLong, Miri };

/// One band, tables and settings put together.
struct Band {
  std::string name;  ///< "F300M"
  Channel channel = Channel::NircamShort;
  std::string filter, pupil;             ///< keywords (spec 40, 0.7); MIRI has no pupil
  double wavelength = 2;                 ///< micron
  double fwhm = 2;                       ///< pixels (spec 40, 0.7)
  double exposure_time = 400;            ///< seconds
  double background = 0.2;               ///< MJy/sr
  double read_noise = 10;                ///< electrons an exposure
  double photmjsr = 1;                   ///< MJy/sr per DN/s
  double gain = 2;                       ///< electrons per DN
  double level_rms = 0, stripe_rms = 0;  ///< MJy/sr
  std::vector<std::string> detectors;    ///< "nrca1", ...

  bool is_miri() const { return channel == Channel::Miri; }
};

/// Throws ConfigError: an unknown band (naming the nearest), or none of its detectors in settings.detectors.use.
Band make_band(std::string const& name, SimulationSettings const& settings);

}  // namespace tessera::simulate
