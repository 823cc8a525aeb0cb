// From corrections of exposures to the file of a band, and from those to the file of a target.
#pragma once
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tessera/config/wcs_adjust_file.hpp"
#include "tessera/model/ledger_entry.hpp"
#include "tessera/sky/correct_wcs.hpp"
#include "tessera/store/manifest.hpp"

namespace tessera::steps {

/// One exposure of a group that was aligned.
struct MeasuredExposure {
  std::string exposure;                            ///< "jw02107041001_02105_00001_nrcalong"
  sky::CorrectionPlane plane;                      ///< of its WCS before the correction
  std::optional<model::WcsCorrection> correction;  ///< none: of the reference, whose WCS stays
};

/// How the keys of a band are made.
struct KeyRules {
  config::Instrument instrument = config::Instrument::Nircam;
  bool group_dithers = false;
  bool degroup_nircam_modules = false;
};

/// Means over the exposures of a visit and instrument (jw..._nircam), a visit and module (jw..._nrca), an exposure, or
/// an exposure and module. Each is given in the plane at the mean of the tangent points of its exposures: there the
/// mean of what each exposure would get in its own plane and the one correction of all are the same. A key of the
/// reference alone has shift zero. Exposures whose name is not that of a JWST exposure have no key, and are named in
/// `nameless`.
config::WcsAdjustments band_adjustments(std::span<MeasuredExposure const> exposures, KeyRules const& rules,
                                        std::vector<std::string>& nameless);

/// The file of a target from those of its bands: means of the keys of the same name, weighted by exposures, and a key a
/// visit (jw...) as pjpipe has it, the mean over the instruments, unless it would be no correction at all.
config::WcsAdjustments merge_adjustments(std::span<config::WcsAdjustments const> bands);

/// Writes a target's file with its manifest. A file of that name and other contents that is not as a run of tessera
/// left it (the user's, pjpipe's, an edited one) is moved to "<name>.bak1", .bak2, ... first. Returns where to; empty:
/// it was not there. One rank.
std::filesystem::path write_target_file(std::filesystem::path const& path, config::WcsAdjustments const& adjustments,
                                        store::Manifest manifest);

}  // namespace tessera::steps
