// Which exposures are of the off field: background for the others (spec 40, 1.6).
#pragma once
#include <string_view>

#include "tessera/config/bands.hpp"
#include "tessera/config/resolved_parameters.hpp"

namespace tessera::steps {

/// What tells an exposure of the off field.
struct FieldFacts {
  std::string_view path;
  std::string_view target_name;        ///< TARGPROP
  std::string_view parallel_sequence;  ///< SEQ_ID; empty: that of the file name
};

/// By `bgr_check_type` of lv2 or lv3. `parallel_off`: second in a parallel sequence, and never for NIRCam and NIRISS;
/// `check_in_name`: the proposer's target name contains one of `bgr_background_name`; `filename`: the file name does.
/// Letter case and blanks around names do not count.
bool is_off_field(FieldFacts const& facts, config::Band const& band, config::ResolvedParameters const& parameters);

}  // namespace tessera::steps
