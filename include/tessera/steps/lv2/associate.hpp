// Which exposures of a band are science, which are its backgrounds (spec 40, 1.6).
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tessera/config/bands.hpp"
#include "tessera/config/resolved_parameters.hpp"
#include "tessera/core/error.hpp"
#include "tessera/steps/lv2/rate_record.hpp"

namespace tessera::steps {

/// One exposure to calibrate and what is subtracted from it: an official image2 association.
struct Lv2Association {
  int science = 0;                            ///< record
  std::vector<int> backgrounds;               ///< records, by start of exposure; empty: none is subtracted
  std::vector<double> weights;                ///< of each; all 1 unless `off_weighting_days` says otherwise: 1e-6 to 1
  std::optional<double> days_to_backgrounds;  ///< DT_BGR: heliocentric middle less the mean of the backgrounds'
};

/// Everything of one (target, band).
struct BandAssociations {
  std::vector<Lv2Association> associations;  ///< in catalogue order
  /// Backgrounds of another subarray or readout, left out; those of no weight, left out; offs that ran late.
  std::vector<std::string> warnings;
};

/// `members` are the records offered to the band: its own observations, science and off, and extra ones. A science band
/// takes science (and offs as science with process_bgr_like_science); a _bgr band the offs, without backgrounds.
/// Backgrounds are attached where the instrument is in bgr_observation_types, those with the same detector, subarray
/// and READPATT. Throws InputError where the instrument is listed and no background is left: naming what was found.
BandAssociations associate(std::span<RateRecord const> records, std::vector<int> const& members,
                           config::Band const& band, config::ResolvedParameters const& lv2);

/// asn_lv2_<band>.json as pjpipe and the official pipeline read it: for people, and for running the official step.
std::string association_json(std::span<RateRecord const> records, BandAssociations const& band,
                             std::string const& name);

}  // namespace tessera::steps
