// The star lists of a job aligned by one rank.
#pragma once
#include <string>
#include <vector>

#include "adjustment_files.hpp"
#include "align_jobs.hpp"
#include "tessera/exchange/alignment.hpp"
#include "tessera/steps/band_task.hpp"
#include "tessera/steps/tweakreg/tweakreg_options.hpp"
#include "tessera/store/exposure_record.hpp"

namespace tessera::steps {

/// A band of a job.
struct BandImages {
  BandTask const* task = nullptr;
  GetWcsAdjustOptions options;
  TweakregStepOptions tweakreg;  ///< tweakreg_parameters, grouping filled in
  std::vector<exchange::AlignImage> images;
  std::vector<int> members;  ///< [image] index of its record
};

/// What came of a band.
struct BandResult {
  std::string problem;                      ///< an error of the band: it gave nothing, and is a failure
  std::vector<MeasuredExposure> exposures;  ///< of groups that were aligned, or are the reference
  std::vector<std::string> warnings, notes;
  std::vector<model::Star> stars;  ///< corrected, one of each; where they were asked for
  /// Of a job's first band: the target's catalogue as it was used; empty where there is none.
  std::vector<model::SkyPoint> catalogue;
};

/// Parameters of tweakreg as get_wcs_adjust has them: grouping, the catalogue of the target, and, for a band with a
/// reference band, abs_* as the parameters without where they are not given themselves. Throws ConfigError.
TweakregStepOptions tweakreg_of(config::ResolvedParameters const& parameters, config::Band const& band,
                                GetWcsAdjustOptions const& options);

/// Name of the group that an exposure moves with: all its visit where the solution is global and dithers are grouped.
std::string adjust_group(store::ExposureRecord const& record, GetWcsAdjustOptions const& options,
                         TweakregStepOptions const& tweakreg);

/// Aligns the bands of a job to each other, to `reference` (corrected stars of its reference bands, where
/// `has_reference`) or to the catalogue of the target, and writes tables and a plot of residuals to the products of
/// each. With a reference band every group is matched to its stars by itself. Independent.
std::vector<BandResult> run_align_job(std::vector<BandImages> const& bands, std::vector<model::Star> const& reference,
                                      bool has_reference, std::vector<bool> const& wants_stars,
                                      std::vector<store::ExposureRecord> const& records);

}  // namespace tessera::steps
