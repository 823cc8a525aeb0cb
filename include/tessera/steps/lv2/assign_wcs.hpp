// assign_wcs: where the pixels of an exposure are on the sky (spec 20, section 3).
#pragma once
#include <filesystem>
#include <memory>

#include "tessera/model/exposure_image.hpp"
#include "tessera/sky/gwcs.hpp"
#include "tessera/steps/lv2/lv2_options.hpp"

namespace tessera::steps {

/// The WCS from header and references, without changing the exposure.
std::shared_ptr<sky::Gwcs const> make_wcs(model::ExposureImage const& image, std::filesystem::path const& distortion,
                                          std::filesystem::path const& filteroffset);

/// The same, and the headers that say so: SIP approximation (where wanted), S_REGION, S_WCS, R_DISTOR and R_FILOFF.
std::shared_ptr<sky::Gwcs const> assign_wcs(model::ExposureImage& image, std::filesystem::path const& distortion,
                                            std::filesystem::path const& filteroffset, Lv2Options const& options);

}  // namespace tessera::steps
