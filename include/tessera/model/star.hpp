// A compact source found in an image, or listed in a catalogue.
#pragma once
#include <limits>

namespace tessera::model {

struct Star {
  double x = 0, y = 0;  ///< centre, pixels of the image, 0-based; NaN in a catalogue without an image
  double flux = 0;      ///< unit of the image times pixel
  double peak = 0;      ///< largest value, background taken off
  double sharpness = 0, roundness = 0;
  double fwhm = 0;   ///< pixels; 0: not measured
  double error = 0;  ///< standard error of the centre along one axis, pixels; 0: not known
  double ra = std::numeric_limits<double>::quiet_NaN();   ///< ICRS degrees, by the WCS that the image had
  double dec = std::numeric_limits<double>::quiet_NaN();  ///< when it was listed
  double weight = 1;                                      ///< in fits; >= 0
};

}  // namespace tessera::model
