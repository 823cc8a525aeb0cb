// <target>_wcs_adjust.toml: one shift (and matrix) a visit (spec 40, 1.7).
#pragma once
#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "tessera/config/bands.hpp"
#include "tessera/config/exposure_name.hpp"

namespace tessera::config {

/// p' = matrix p + shift in the tangent plane at (V2_REF, V3_REF).
struct WcsAdjustment {
  std::array<double, 2> shift_arcsec{0, 0};
  std::array<std::array<double, 2>, 2> matrix{{{1, 0}, {0, 1}}};
  friend bool operator==(WcsAdjustment const&, WcsAdjustment const&) = default;
};

/// Adjustments by key: an exposure (jwPPPPPOOOVVV_GGSAA_EEEEE), a visit and instrument (jwPPPPPOOOVVV_nircam) or a
/// visit (jwPPPPPOOOVVV).
struct WcsAdjustments {
  std::map<std::string, WcsAdjustment> by_key;

  /// The one for an exposure: its own key first, then visit and instrument, then visit. Null when there is none.
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
