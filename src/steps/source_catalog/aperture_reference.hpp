// Radii, corrections and magnitude offset of a mosaic's band (spec 30, 5.2 item 4).
#pragma once
#include <array>
#include <string>

#include "tessera/model/header.hpp"
#include "tessera/steps/source_catalog/source_catalog_options.hpp"

namespace tessera::steps {

struct ApertureReference {
  std::array<double, 3> radii{1, 2, 3};        ///< pixels of the detector
  std::array<double, 3> corrections{1, 1, 1};  ///< total over aperture flux
  double inner = 5, outer = 10;                ///< of the background ring, pixels of the detector
  double abvega_offset = 0;                    ///< AB minus Vega magnitude
  bool has_apertures = false, has_offset = false;
};

/// From the APCORR and ABVEGAOFFSET files that the options name, for the band that a mosaic's primary header names.
/// What there is no file or no row for keeps its default; `remarks` then says so. InputError: a file that is no such
/// reference.
ApertureReference read_aperture_reference(SourceCatalogOptions const& options, model::Header const& primary,
                                          std::string& remarks);

}  // namespace tessera::steps
