// Parameters of level 2 for one exposure: the configuration over the parameter references over the defaults (spec 20).
#pragma once
#include <map>
#include <optional>
#include <string>

#include "tessera/config/resolved_parameters.hpp"
#include "tessera/kernels/combine_backgrounds.hpp"
#include "tessera/refs/parameter_reference.hpp"
#include "tessera/sky/sip_fit.hpp"

namespace tessera::steps {

struct Lv2Options {
  bool skip_bkg_subtract = false, skip_assign_wcs = false, skip_flat_field = false, skip_photom = false;
  kernels::BackgroundClip bkg_clip;
  bool save_combined_background = false;
  bool save_bsub = false;
  bool sip_approx = true;
  sky::SipFitOptions sip;
  bool inverse_flat = false, inverse_photom = false;
  bool apply_time_correction = true;
  bool before_version_1_16 = false;  ///< [tessera] compat
  /// Reference type -> path or "N/A", instead of what CRDS says. A flat: the first *.fits of updated_flats_dir whose
  /// path contains the band's filter (F150W of F150W_nircam_bgr), else user_supplied_flat, else override_flat.
  std::map<std::string, std::string> overrides;

  /// Every value, keys sorted: provenance, and what a product depends on.
  std::string json() const;
  static Lv2Options from_json(std::string const& text);  ///< of what json() gave
};

/// Precedence: what the configuration sets, else what a pars-* reference says, else the default (that of 1.13.4 where
/// `before_version_1_16`: SIP tolerances of 0.1 pixel). Throws ConfigError for values that cannot be, InputError for
/// parameter references of a wrong type or with such values.
Lv2Options lv2_options(config::ResolvedParameters const& parameters, refs::StepParameters const& references,
                       std::string const& band, bool before_version_1_16 = false);

}  // namespace tessera::steps
