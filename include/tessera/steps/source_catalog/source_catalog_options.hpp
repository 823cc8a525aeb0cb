// What the parameters of lv3 say about source_catalog.
#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "tessera/config/bands.hpp"
#include "tessera/config/resolved_parameters.hpp"
#include "tessera/kernels/segmentation.hpp"

namespace tessera::steps {

struct SourceCatalogOptions {
  double snr_threshold = 3;  ///< rms of the background
  std::int64_t box = 1000;   ///< of the background's mesh, pixels
  kernels::SegmentationOptions segmentation;
  std::array<int, 3> aperture_ee{30, 50, 70};  ///< encircled energies, %
  double ci1 = 2.0, ci2 = 1.8;                 ///< concentrations above which a source is extended
  std::string apcorr, abvegaoffset;            ///< reference files; empty: none
};

/// From the resolved parameters of lv3. Throws ConfigError.
SourceCatalogOptions source_catalog_options(config::ResolvedParameters const& parameters, config::Band const& band);

}  // namespace tessera::steps
