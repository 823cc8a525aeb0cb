// The WCS of a distorted exposure, for tests of what is fitted to one.
#pragma once
#include "support/header_files.hpp"
#include "tessera/sky/fits_wcs.hpp"

namespace tessera::test {

/// 1000 x 700 pixels of 30 mas with a forward distortion (SIP) of degree 4.
inline sky::WcsPointer distorted_exposure() {
  return sky::make_fits_wcs(
      header_of({"CTYPE1  = 'RA---TAN-SIP'", "CTYPE2  = 'DEC--TAN-SIP'", "CRVAL1  = 359.999",  "CRVAL2  = -73.25",
                 "CRPIX1  = 500.5",          "CRPIX2  = 480.0",          "CD1_1   = -6.0E-06", "CD1_2   = 6.3E-06",
                 "CD2_1   = 6.2E-06",        "CD2_2   = 6.1E-06",        "A_ORDER = 4",        "B_ORDER = 4",
                 "A_0_2   = 1.6E-06",        "A_1_1   = -1.2E-05",       "A_2_0   = -1.9E-06", "A_3_0   = 1.5E-09",
                 "A_2_2   = 2.0E-14",        "B_0_2   = -6.7E-06",       "B_1_1   = 3.6E-06",  "B_0_3   = 1.5E-09",
                 "B_4_0   = -3.0E-14",       "RADESYS = 'ICRS'"}),
      1000, 700);
}

}  // namespace tessera::test
