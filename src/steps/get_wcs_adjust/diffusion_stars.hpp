// Star lists in fields filled with emission: found on the fine scales of a constrained diffusion (spec 40, 1.7).
#pragma once
#include <vector>

#include "tessera/model/star.hpp"
#include "tessera/steps/get_wcs_adjust/get_wcs_adjust_options.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::steps {

/// IRAF finder (fwhm 2, roundness 0 to 0.1, sharpness 0.8 to 1.1) on the first scales of SCI, threshold in units of the
/// median of ERR > 0; brightest first. Pixels with DQ & 513, without value or exactly 0 are holes. Empty where every
/// pixel is one. InputError for an exposure without ERR. Independent.
std::vector<model::Star> list_diffusion_stars(store::ExposureReader const& reader, DiffusionStars const& options);

/// Bytes it takes.
std::int64_t diffusion_stars_bytes(store::ExposureRecord const& record);

}  // namespace tessera::steps
