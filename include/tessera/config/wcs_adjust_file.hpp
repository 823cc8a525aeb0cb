// <target>_wcs_adjust.toml: one shift (and matrix) a visit (spec 40, 1.7).
#pragma once
#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/config/bands.hpp"
#include "tessera/config/exposure_name.hpp"

namespace tessera::config {

/// p' = matrix p + shift in a plane tangent to the sky, x east and y north. The plane is that at (V2_REF, V3_REF) of
/// each exposure, as pjpipe has it, or, where `tangent` is there, one plane for all exposures: only so does a rotation
/// mean the same for detectors side by side.
struct WcsAdjustment {
  std::array<double, 2> shift_arcsec{0, 0};
  std::array<std::array<double, 2>, 2> matrix{{{1, 0}, {0, 1}}};
  std::optional<std::array<double, 2>> tangent{};  ///< right ascension and declination, ICRS degrees
  int files = 0;                                   ///< exposures it is the mean of; 0: not said
  friend bool operator==(WcsAdjustment const&, WcsAdjustment const&) = default;
};

/// Keys under which the adjustment of an exposure may stand, in the order in which they are looked for: exposure and
/// NIRCam module (jwPPPPPOOOVVV_GGSAA_EEEEE_nrca), exposure, visit and module (jwPPPPPOOOVVV_nrca), visit and
/// instrument (jwPPPPPOOOVVV_nircam), visit (jwPPPPPOOOVVV). Modules as pjpipe 1.3 writes them.
std::vector<std::string> adjustment_keys(ExposureName const& exposure, Instrument instrument);

/// "nrca" or "nrcb" of a NIRCam detector, else empty.
std::string nircam_module(std::string_view detector);

/// Whether a key has one of these forms.
bool is_adjustment_key(std::string_view key);

/// Adjustments by key.
struct WcsAdjustments {
  std::map<std::string, WcsAdjustment> by_key;

  /// The one for an exposure: that of the first of its keys that is there. Null when there is none.
  WcsAdjustment const* find(ExposureName const& exposure, Instrument instrument) const;
};

/// Decimals written. tessera writes more than pjpipe 1.2.1, whose three are 0.001 rad in a matrix.
struct WcsAdjustDecimals {
  int shift = 6;
  int matrix = 10;
};
inline constexpr WcsAdjustDecimals pjpipe_121_decimals{3, 3};

/// A missing shift is zero, a missing matrix the identity. Throws ConfigError for anything else than that.
WcsAdjustments parse_wcs_adjust(std::string_view text, std::string_view name);
WcsAdjustments read_wcs_adjust(std::filesystem::path const& path);

/// The text of the file, sorted by key.
std::string format_wcs_adjust(WcsAdjustments const& adjustments, WcsAdjustDecimals decimals = {});

}  // namespace tessera::config
