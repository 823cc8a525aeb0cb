// Wisps (light scattered in NIRCam's short-wave detectors): a person's template, scaled.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "../stripe_layout.hpp"
#include "tessera/model/exposure_image.hpp"
#include "tessera/steps/single_tile_destripe/destripe_rate.hpp"
#include "tessera/steps/single_tile_destripe/single_tile_options.hpp"

namespace tessera::steps {

struct FoundWisps {
  WispFit fit;
  std::vector<float> image;  ///< [ny][nx]: scale times template, 0 where the template has no value
};

/// Fits the template (full frame or of the size of the exposure, cut to its window) to `sci`, SCI through the flat,
/// outside sources and `bad`. Nothing where options.wisp_template has {detector} in it and this detector no file, or
/// where the template says DETECTOR and means another one. Throws InputError.
std::optional<FoundWisps> find_wisps(model::ExposureImage const& image, SingleTileDestripeOptions const& options,
                                     StripeLayout const& frame, std::vector<float> const& sci,
                                     std::vector<std::uint8_t> const& bad);

/// That at least one detector has a template. Throws InputError.
void check_wisp_template(std::string const& setting);

}  // namespace tessera::steps
