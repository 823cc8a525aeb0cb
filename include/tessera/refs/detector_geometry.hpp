// Distortion and filter offset of an exposure, from their references (spec 20, 3.1 to 3.3).
#pragma once
#include <filesystem>

#include "tessera/model/exposure_image.hpp"
#include "tessera/sky/pointing.hpp"

namespace tessera::refs {

/// `filteroffset` may be empty (N/A), but not for MIRI. Both are read once a process and path, and shared. Throws
/// InputError: files that cannot be read, no transform from the plane to the plane, one without an inverse (nothing
/// could be resampled), FILTER or PUPIL missing, several offsets that fit. None that fits, or one without numbers: no
/// shift.
sky::DetectorGeometry read_detector_geometry(std::filesystem::path const& distortion,
                                             std::filesystem::path const& filteroffset, model::Header const& primary,
                                             model::DetectorWindow const& window);

/// V2_REF, V3_REF, ROLL_REF, RA_REF, DEC_REF, VA_SCALE of the SCI header of the file `path`. Throws InputError naming
/// what is missing; also for VA_SCALE <= 0.
sky::Pointing read_pointing(std::filesystem::path const& path, model::Header const& sci);

}  // namespace tessera::refs
