// The `steps` list of a configuration: step[.instrument][.sci|.bgr] (spec 40, 0.2).
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "tessera/config/bands.hpp"

namespace tessera::config {

enum class Observations { All, Science, Background };

/// One entry of `steps`.
struct StepEntry {
  std::string text;  ///< as written: "lyot_mask.miri.bgr"
  std::string step;  ///< "lyot_mask"
  std::optional<Instrument> instrument;
  Observations observations = Observations::All;
  Place place;
  bool takes_rates = false;  ///< single_tile_destripe with lv2 after it: on count rates

  /// Whether the program has the step.
  bool is_built() const;

  /// Whether the qualifiers let the step run on this band. (Qualifiers have no effect on combined steps.)
  bool runs_on(Band const& band) const;
};

/// Throws ConfigError for an unknown step (with the nearest name), a step that cannot be listed (move_raw_obs runs by
/// itself), an unknown or repeated qualifier.
StepEntry parse_step(std::string_view text, Place const& place = {});

}  // namespace tessera::config
