// What the parameters of astrometric_align say for one (target, band).
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tessera/config/resolved_parameters.hpp"
#include "tessera/kernels/fit_positions.hpp"
#include "tessera/kernels/reproject.hpp"

namespace tessera::steps {

/// One round of matching and fitting; lengths in pixels of the mosaic.
struct AlignIteration {
  std::string name;  ///< "iteration1"; empty where the parameters are flat
  double searchrad = 3, separation = 0.5, tolerance = 1;
  bool use2dhist = true;
  kernels::FitGeometry geometry = kernels::FitGeometry::General;
  int nclip = 3;
  double sigma = 3;
  int minobj = 1;  ///< least matches; at least what the geometry needs
};

struct AstrometricAlignOptions {
  std::optional<std::string> catalogue;   ///< file in alignment_dir; unset: the target has none
  std::optional<std::string> mapped_to;   ///< band whose solution is taken (align_mapping)
  bool cross_correlate = false;           ///< its mosaic is compared instead (align_mapping_mode)
  std::optional<std::string> matched_to;  ///< band whose aligned stars are the catalogue (ref_long_filter)
  kernels::Reprojection reprojection = kernels::Reprojection::Interp;
  std::vector<AlignIteration> iterations;

  /// The band that must be aligned before; align_mapping counts where both are given.
  std::optional<std::string> needed_band() const { return mapped_to ? mapped_to : matched_to; }
};

/// From the resolved parameters of the step. Letter case of targets and bands is ignored. Throws ConfigError: what is
/// no band in align_mapping or ref_long_filter, bands that need each other in a circle, values that are no texts.
AstrometricAlignOptions astrometric_align_options(config::ResolvedParameters const& parameters,
                                                  std::string const& target, std::string const& band);

}  // namespace tessera::steps
