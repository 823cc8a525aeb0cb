// The one set of parameters with which single_tile_destripe is tried on all images.
#pragma once
#include "tessera/steps/single_tile_destripe/single_tile_options.hpp"

namespace tessera::steps {

/// That of PHANGS with the default windows, and columns measured with them too.
inline SingleTileDestripeOptions tried_options() {
  SingleTileDestripeOptions options;
  options.filter_diffuse = true;
  options.dilate = 7;
  options.columns = kernels::ColumnStripes::MedianFilter;
  return options;
}

}  // namespace tessera::steps
