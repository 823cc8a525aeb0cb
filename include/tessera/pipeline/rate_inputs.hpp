// From a configuration to the count rates of each target and band, their references and their backgrounds (spec 40, 1.3
// and 1.6; spec 20, 1.2; spec 25, 2.8).
#pragma once
#include <string>
#include <vector>

#include "tessera/config/survey.hpp"
#include "tessera/parallel/communicator.hpp"
#include "tessera/refs/ref_selector.hpp"
#include "tessera/steps/lv2/associate.hpp"
#include "tessera/steps/lv2/rate_record.hpp"
#include "tessera/store/exposure_record.hpp"

namespace tessera::pipeline {

/// The count rates of a survey, the same on all ranks.
struct RateInputs {
  /// Catalogue order: target, band, file name. A file that several bands take (an off, of F770W and of F770W_bgr; an
  /// observation that two targets share) has a record for each. Offs have options and references like the others, but
  /// nothing is missing on account of an exposure that no association has as its science.
  std::vector<steps::RateRecord> records;
  /// [target][band]: numbers in `records`, science and off. Empty where nothing was found and where lv2 does not run.
  std::vector<std::vector<std::vector<int>>> members;
  /// [target][band]: what is to be calibrated, and with which backgrounds. Its warnings are in `notes` too.
  std::vector<std::vector<steps::BandAssociations>> associations;
  std::vector<store::InputNote> notes;   ///< files left out, bands without data, steps that have no reference
  std::vector<store::InputNote> broken;  ///< files that cannot be used: quarantined, or the end of the run
  /// What must be put right before the run, everything at once, a line each: references that are missing, broken, N/A
  /// where the step cannot do without, rules without an answer, no row of the photometry, no inverse of a distortion, a
  /// flat or an area without the window of an exposure, a flat of zeros there, options that cannot be, no backgrounds
  /// where they are wanted, an exposure given twice, a target without exposures.
  std::vector<std::string> missing;
};

/// Whether there are files that lv2 may start from: the places of find_rate_inputs, without opening any. Collective.
bool has_rate_files(parallel::Communicator const& communicator, config::Survey const& survey);

/// Finds and examines the `_rate` files that lv2 starts from, for every target and band it runs on, chooses their
/// references and associates science with backgrounds. The first of these that holds any, for a (target, band): files
/// of [tessera] inputs; `<target_dir>/<band>/lv1`; the archive's layout below `raw_dir`; `<raw_dir>/<target>`;
/// `raw_dir` itself (of [tessera] inputs and of `raw_dir` itself a target takes the files that TARGPROP says are its
/// own, when the survey has several). obs_to_skip and extra_obs_to_include of move_raw_obs hold for all of them.
/// Headers are read by all ranks, each its share; the overrides of the configuration go over `selector`. Collective.
RateInputs find_rate_inputs(parallel::Communicator const& communicator, config::Survey const& survey,
                            refs::RefSelector const& selector);

}  // namespace tessera::pipeline
