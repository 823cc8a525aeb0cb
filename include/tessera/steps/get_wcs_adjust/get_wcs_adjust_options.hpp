// The parameters of get_wcs_adjust for one (target, band).
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tessera/config/bands.hpp"
#include "tessera/config/resolved_parameters.hpp"
#include "tessera/kernels/reproject.hpp"

namespace tessera::steps {

enum class AdjustMethod {
  Tweakreg,          ///< star lists, the official tweakreg
  CrossCorrelation,  ///< stacks of dither groups, for bands without stars
  Global             ///< star lists of all bands of an instrument in one least squares
};
/// "tweakreg", "cross_corr", "global".
char const* method_name(AdjustMethod method);

/// Star lists after a constrained diffusion (spec 40, 1.7), for fields filled with emission.
struct DiffusionStars {
  int pivot_scale = 3;       ///< scales 0 .. pivot_scale - 1 of four are summed
  double snr_threshold = 5;  ///< of the median ERR
  int max_sources = 1000;
};

struct GetWcsAdjustOptions {
  AdjustMethod method = AdjustMethod::Tweakreg;
  bool group_dithers = false;           ///< all dithers and detectors of a visit and activity move together
  bool degroup_nircam_modules = false;  ///< modules A and B do not
  double searchrad = 2;                 ///< arcsec: largest shift that is looked for
  kernels::Reprojection reprojection = kernels::Reprojection::Interp;
  std::optional<DiffusionStars> diffusion;
  std::string catalogue;       ///< file in alignment_dir that places the target on the sky; empty: none
  std::string reference_band;  ///< band whose corrected stars this one is matched to; empty: none
};

/// Throws ConfigError: for tweakreg_parameters that cannot work, for a reference band that is not among `bands`, or
/// that leads back to this one, and where a reference band is given for cross_corr, which has no stars. Target names
/// are matched without letter case.
GetWcsAdjustOptions get_wcs_adjust_options(config::ResolvedParameters const& parameters, config::Band const& band);

/// All files of the user that the step reads for a band, for plan and manifest. InputError where one is not there.
std::vector<std::filesystem::path> get_wcs_adjust_files(config::ResolvedParameters const& parameters,
                                                        config::Band const& band,
                                                        std::filesystem::path const& alignment_dir);

}  // namespace tessera::steps
