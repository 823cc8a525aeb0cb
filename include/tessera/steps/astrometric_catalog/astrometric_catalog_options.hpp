// What the parameters of astrometric_catalog say.
#pragma once
#include <optional>
#include <string>

#include "tessera/config/bands.hpp"
#include "tessera/config/resolved_parameters.hpp"
#include "tessera/kernels/find_stars.hpp"

namespace tessera::steps {

/// How the noise of a mosaic is measured.
enum class MosaicNoiseMethod {
  Mad,  ///< 1.4826 times the median absolute deviation outside sources; sources stand out from the median
  Clip  ///< pjpipe 1.2.1: 20 rounds of 1.5 sigma, the threshold is median + snr rms of the image as it is
};

struct AstrometricCatalogOptions {
  double snr = 5;
  MosaicNoiseMethod noise = MosaicNoiseMethod::Mad;
  bool constrained_diffusion = false;
  kernels::StarFinderOptions finder;  ///< threshold, fwhm and min_separation are filled in for a mosaic
  std::optional<double> fwhm;         ///< mosaic pixels; unset: that of the band
  double band_fwhm_arcsec = 0;        ///< 0: not known
  std::optional<double> threshold;    ///< unit of the mosaic; unset: from snr
  std::optional<double> minsep_fwhm;  ///< unset: 2.5 for iraf, the footprint of the kernel for dao

  /// The finder for a mosaic of this pixel scale [arcsec], without its threshold. InputError: no FWHM is known.
  kernels::StarFinderOptions finder_for(double pixel_scale, std::string const& band) const;
};

/// From the resolved parameters of the step. Throws ConfigError.
AstrometricCatalogOptions astrometric_catalog_options(config::ResolvedParameters const& parameters,
                                                      config::Band const& band);

}  // namespace tessera::steps
