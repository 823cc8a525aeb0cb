#include "tessera/simulate/siaf.hpp"

#include "tessera/core/error.hpp"
#include "tessera/core/nearest_name.hpp"

namespace tessera::simulate {

SiafAperture const& find_aperture(std::string const& detector) {
  std::vector<std::string> known;
  for (SiafAperture const& aperture : siaf_apertures()) {
    if (aperture.detector == detector) return aperture;
    known.push_back(aperture.detector);
  }
  throw ConfigError({"unknown detector", "detectors", "a NIRCam or MIRI imaging detector", "'" + detector + "'",
                     suggest_name(detector, known)});
}

}  // namespace tessera::simulate
