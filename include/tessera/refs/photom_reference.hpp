// The photom reference: from count rates to surface brightness (spec 20, 5.1 to 5.4).
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "tessera/model/header.hpp"

namespace tessera::refs {

/// What photom says for one exposure.
struct PhotomConversion {
  std::optional<double> photmjsr;  ///< MJy/sr per DN/s; nullopt: no row fits, nothing is converted
  double correction = 1;  ///< what the table's value was divided by for photmjsr: the time dependence, of either form
  std::optional<double> pixar_sr, pixar_a2;  ///< of its primary header
  std::string row;                           ///< what was looked for, for messages: "FILTER=F770W SUBARRAY=FULL"
};

/// Finds the row for an exposure and evaluates the tables of time dependence at EXPMID: a MIRI file with TIMECOEFF and
/// none of the newer tables has the additive form (spec 20, 5.2). Throws InputError: no PHOTOM table, a missing column,
/// several rows that fit, tables that do not go with it, EXPMID missing where it is needed, a conversion that is no
/// positive number.
PhotomConversion read_photom(std::filesystem::path const& path, model::Header const& primary,
                             bool apply_time_correction = true);

}  // namespace tessera::refs
