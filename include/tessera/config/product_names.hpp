// Names of products, associations and kernels (spec 40, 0.4, 1.6, 1.15 and 1.16).
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "tessera/config/bands.hpp"

namespace tessera::config {

/// lower(target)_instrument_lv3_lower(filter)[_bgr]: the mosaic, without suffix and extension.
std::string mosaic_name(std::string_view target, Band const& band);

/// asn_lv2_<band>_<index>.json, or asn_lv2_<band>.json without an index.
std::string level2_association_name(Band const& band, std::optional<int> index = std::nullopt);
/// asn_lv3_<band>.json
std::string level3_association_name(Band const& band);

/// <source>_to_<target>.fits in lower case, "." written "p": "F770W", "gauss0.85" -> "f770w_to_gauss0p85.fits".
std::string kernel_file_name(std::string_view source, std::string_view target);

/// FWHM of a Gaussian resolution in arcsec: "gauss0p85" -> 0.85. Nothing for other names.
std::optional<double> gaussian_fwhm_arcsec(std::string_view resolution);

/// Resolution of an external anchoring image: the text after "_at" ("irac4_atgauss4" -> "gauss4"), else the whole name.
std::string anchoring_resolution(std::string_view external_band);

}  // namespace tessera::config
