// Which raw files belong to a band: the arguments of move_raw_obs (spec 40, 1.3).
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "tessera/config/bands.hpp"

namespace tessera::config {

/// Files of another target that this band takes too.
struct ExtraObservations {
  std::string target;
  std::string pattern;  ///< start of the observation folder's name, e.g. "jw02107041001_0?2"
  friend bool operator==(ExtraObservations const&, ExtraObservations const&) = default;
};

/// The raw files of one (target, band).
struct RawSelection {
  std::vector<std::string> skip;  ///< shell patterns of file names to leave out
  std::vector<ExtraObservations> extra;

  /// Shell patterns of the candidate files: the target's own, then the extra ones.
  /// `extension` is that of the first step of the band, e.g. "uncal".
  std::vector<std::string> globs(std::string_view raw_dir, std::string_view target, Band const& band,
                                 std::string_view extension) const;
  /// Whether obs_to_skip drops this file (name without folders).
  bool skips(std::string_view file_name) const;
};

/// Reads `obs_to_skip` (pattern, list or {sci|bgr = ...}, with or without a target level) and `extra_obs_to_include`
/// ({[sci|bgr].<other target> = pattern(s)} below a target level), either of which may be none.
/// Throws ConfigError where the shape is another.
RawSelection select_raw_files(Value const& obs_to_skip, Value const& extra_obs_to_include, std::string_view target,
                              Band const& band);

/// POSIX shell matching of a whole name: ? * [...]
bool matches_pattern(std::string_view name, std::string_view pattern);

}  // namespace tessera::config
