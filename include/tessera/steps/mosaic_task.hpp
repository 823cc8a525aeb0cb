// One mosaic of a step that makes products from finished mosaics.
#pragma once
#include <filesystem>
#include <string>

#include "tessera/config/bands.hpp"
#include "tessera/config/resolved_parameters.hpp"
#include "tessera/store/manifest.hpp"

namespace tessera::steps {

/// What a step is to do with one mosaic. The pipeline makes it where the product is not up to date; the same on all
/// ranks.
struct MosaicTask {
  std::string target, band;
  config::Band band_facts;
  config::ResolvedParameters parameters;  ///< of the listed step: "astrometric_catalog", or "lv3"
  std::string step;                       ///< "source_catalog", "astrometric_catalog"
  std::filesystem::path mosaic;           ///< "<lv3>/<product>_i2d.fits": finished, checked to be there
  std::filesystem::path root;             ///< "<lv3>/<product>"
  std::filesystem::path product;          ///< main product, whose manifest says that the step is done
  store::Manifest manifest;  ///< to be written by store::write_manifest(product, manifest) when all products are there

  std::string label() const { return target + " " + band; }
};

}  // namespace tessera::steps
