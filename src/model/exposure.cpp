#include "tessera/model/exposure.hpp"

#include "tessera/core/contract.hpp"

namespace tessera::model {

std::string ExposureIdentity::label() const {
  std::string const half_name = half == Half::Imager ? ":imager" : half == Half::Lyot ? ":lyot" : "";
  return target + "/" + band + "/" + exposure + half_name;
}

char const* extension_name(Plane plane) {
  static constexpr std::array<char const*, PlaneCount> names{"SCI",        "ERR",      "DQ",  "AREA", "VAR_POISSON",
                                                             "VAR_RNOISE", "VAR_FLAT", "WHT", "CON"};
  auto const index = static_cast<std::size_t>(plane);
  TESSERA_EXPECT(index < names.size());
  return names[index];
}

}  // namespace tessera::model
