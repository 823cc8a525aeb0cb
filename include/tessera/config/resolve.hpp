// Specialisation of a parameter value by target, band, channel and instrument (spec 40, 0.3).
#pragma once
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/config/bands.hpp"

namespace tessera::config {

inline constexpr int unlimited_levels = std::numeric_limits<int>::max();

/// Keys a table may be specialised by, highest priority first: target, band (without _bgr), nircam_short or
/// nircam_long, instrument. Only the target when there is no band.
std::vector<std::string> specialisation_keys(std::string_view target, Band const* band);

/// While `value` is a table and levels are left: descends into the first key present. Nothing when no key is present
/// ("not found": the default holds). Texts such as "10pix" become numbers in arcsec when there is a band.
std::optional<Value> resolve_value(Value const& value, std::string_view target, Band const* band,
                                   int max_levels = unlimited_levels);

/// The number in a text that is a number and "pix", e.g. 2.5 of "2.5pix"; nothing for "pixfrac".
std::optional<double> pixel_count(std::string_view text);

}  // namespace tessera::config
