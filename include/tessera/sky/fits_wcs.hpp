// WCS of a FITS header through WCSLIB: TAN, ZPN, SIP, TPV and whatever else it knows.
#pragma once
#include "tessera/model/header.hpp"
#include "tessera/sky/wcs.hpp"

namespace tessera::sky {

/// WCS of an image header. Throws InputError: no celestial WCS (naming CTYPE found), singular CD, values off the sky.
/// Frames FK5 and FK4 are refused unless equinox 2000 FK5, which is taken as ICRS (difference below 0.03 arcsec; said
/// in description()).
WcsPointer make_fits_wcs(model::Header const& header, std::int64_t nx, std::int64_t ny);

/// True when the header has a celestial CTYPE pair.
bool has_celestial_wcs(model::Header const& header);

}  // namespace tessera::sky
