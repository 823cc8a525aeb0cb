// Where an exposure lies on the sky, as grids that several exposures share are laid out.
#pragma once
#include "tessera/sky/comparison_grid.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::steps {

/// Corners, reference position and pixel scale by the corrected WCS. Throws InputError where the WCS leaves the sky.
sky::CommonGridMember exposure_outline(store::ExposureReader const& reader);

}  // namespace tessera::steps
