// What the headers of one _rate file say.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tessera/refs/exposure_parameters.hpp"
#include "tessera/steps/lv2/rate_record.hpp"
#include "tessera/store/exposure_record.hpp"

namespace tessera::steps {

struct ExaminedRate {
  RateRecord record;  ///< without target and band, options and references
  refs::ExposureParameters parameters;
};

/// Reads headers only. nullopt: left out, with a note that says why (an EXP_TYPE that is no NIRCam or MIRI image).
/// Throws InputError: no such file, no FITS, truncated, planes that are not those of a _rate file, INSTRUME, DETECTOR,
/// FILTER or EXP_TYPE missing.
std::optional<ExaminedRate> examine_rate(std::string const& path, std::vector<store::InputNote>& notes);

}  // namespace tessera::steps
