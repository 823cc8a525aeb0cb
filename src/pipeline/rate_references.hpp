// Options and references of one exposure of count rates, and what stands against them (spec 20, 1.2; spec 25, 2.8).
#pragma once
#include <map>
#include <string>
#include <vector>

#include "tessera/config/resolved_parameters.hpp"
#include "tessera/config/survey.hpp"
#include "tessera/parallel/communicator.hpp"
#include "tessera/refs/exposure_parameters.hpp"
#include "tessera/refs/ref_selector.hpp"
#include "tessera/steps/lv2/rate_record.hpp"

namespace tessera::pipeline {

/// Lines that do not name the exposure: many share them.
struct RateFindings {
  std::vector<std::string> troubles;  ///< to be put right before the run
  std::vector<std::string> notes;     ///< to be known
};

/// Sets options, references and their keywords. `lv2` are the parameters of the exposure's target and band; of
/// `settings` count parameter_references and compat. Files are not looked at: see problems_of_references.
RateFindings choose_references(steps::RateRecord& record, refs::ExposureParameters const& exposure,
                               config::ResolvedParameters const& lv2, refs::RefSelector const& selector,
                               config::TesseraSettings const& settings);

/// What is wrong with references that exposures need: missing or broken files; a distortion that cannot be used, no row
/// of the photometry, a flat or an area without the window of the exposures, a flat of zeros there, each looked at once
/// for all exposures alike. `types_of` says which references of a record are
/// needed. The files are divided over the ranks. One line for each, in catalogue order. Collective.
std::vector<std::string> problems_of_references(parallel::Communicator const& communicator,
                                                std::vector<steps::RateRecord> const& records,
                                                std::vector<std::vector<std::string>> const& types_of);

/// Lines of many exposures: each once, in the order in which they came.
class SharedLines {
 public:
  void add(std::string const& text, std::string const& exposure, int count = 1);

  struct Line {
    std::string text, first_exposure;
    int count = 0;
    /// "TEXT (EXPOSURE and 11 more)"
    std::string said() const;
  };
  std::vector<Line> const& lines() const { return lines_; }

 private:
  std::vector<Line> lines_;
  std::map<std::string, std::size_t> number_;
};

}  // namespace tessera::pipeline
