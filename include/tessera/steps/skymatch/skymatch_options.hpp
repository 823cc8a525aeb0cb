// What the parameters of lv3 say about skymatch.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tessera/config/bands.hpp"
#include "tessera/config/resolved_parameters.hpp"
#include "tessera/exchange/sky_solution.hpp"
#include "tessera/kernels/sky_statistic.hpp"
#include "tessera/store/exposure_record.hpp"

namespace tessera::steps {

/// Which exposures share a sky level.
enum class SkyGrouping {
  Exposures,  ///< all detectors of an exposure (spec 30, 0.1)
  Dithers,    ///< all detectors and dithers of a visit and activity (skymatch_group_dithers)
  None,       ///< each detector by itself (skymatch_degroup_dithers)
};

struct SkymatchOptions {
  exchange::SkyMethod method = exchange::SkyMethod::Match;
  std::string method_name = "match";  ///< BKGMETH
  bool match_down = true, subtract = false;
  std::optional<std::string> skylist;  ///< file of method user
  std::optional<double> step;          ///< of the outlines' vertices, pixels
  kernels::SkyStatisticOptions statistic;
  std::uint32_t bad_bits = 0;
  SkyGrouping grouping = SkyGrouping::Exposures;

  bool uses_overlaps() const {
    return method == exchange::SkyMethod::Match || method == exchange::SkyMethod::GlobalMatch;
  }
};

/// From the resolved parameters of lv3. Throws ConfigError.
SkymatchOptions skymatch_options(config::ResolvedParameters const& parameters, config::Band const& band);

/// Group of each of `members` (indices into `records`), numbered from 0 in order of first appearance.
std::vector<int> sky_groups(SkyGrouping grouping, std::span<int const> members,
                            std::vector<store::ExposureRecord> const& records);

/// Name of the group of an exposure: "jw02107041001_02105_00001" of all its detectors, "jw02107041001_02105" of all its
/// dithers, or the exposure's own.
std::string sky_group_name(SkyGrouping grouping, store::ExposureRecord const& record);

}  // namespace tessera::steps
