// Where the count rates of a (target, band) lie (spec 40, 0.4 and 1.3).
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "offered_files.hpp"
#include "tessera/config/survey.hpp"

namespace tessera::pipeline {

/// Count rates that a band may take, for offer_files: those of the first place that holds any, and those of other
/// targets that extra_obs_to_include names; without those that obs_to_skip names. None where lv2 does not run.
class RateFinder {
 public:
  explicit RateFinder(config::Survey const& survey) : survey_(survey) {}

  std::vector<FoundFile> operator()(std::string const& target, config::Band const& band);

 private:
  config::Survey const& survey_;
  std::optional<std::vector<std::string>> listed_, flat_;  ///< of [tessera] inputs; `raw_dir` itself. Looked at once

  std::vector<std::string> const& listed();
  std::vector<std::string> const& flat();
  std::vector<FoundFile> own_files(std::string const& target, config::Band const& band);
  std::vector<std::string> extra_files(config::ExtraObservations const& extra, config::Band const& band);
};

/// Whether lv2 is listed for a band.
bool calibrates(config::Survey const& survey, config::Band const& band);

/// Whether single_tile_destripe is listed for a band before lv2.
bool destripes_rates(config::Survey const& survey, config::Band const& band);

}  // namespace tessera::pipeline
