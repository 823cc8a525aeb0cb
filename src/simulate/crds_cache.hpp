// The CRDS cache beside a survey of count rates: rules and the references of level 2 in their official formats.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "tessera/simulate/survey_plan.hpp"

namespace tessera::simulate {

/// Name of the context.
inline constexpr char const* CrdsContext = "jwst_0001.pmap";

/// One reference file.
struct ReferenceFile {
  std::string type;        ///< "flat"
  std::string instrument;  ///< "nircam", "miri"
  std::string name;        ///< "jwst_nircam_flat_0001.fits"
  /// Rule element by element, in the order of the type's parkey: "NRCA1".
  std::vector<std::string> key;
  std::size_t band = 0, detector = 0;  ///< of the plan: what it is for
};

/// Every reference of a survey: distortion, photom and area of each detector, flat of each detector and band,
/// filteroffset of each module, parameter references. The same on every rank.
std::vector<ReferenceFile> plan_references(SurveyPlan const& plan);

/// Writes <cache>/references/jwst/<instrument>/<name>.
void write_reference(std::filesystem::path const& cache, SurveyPlan const& plan, ReferenceFile const& reference);

/// Writes mappings and configuration: the context, an .imap an instrument, an .rmap a type; every other type is N/A.
void write_crds_rules(std::filesystem::path const& cache, SurveyPlan const& plan,
                      std::vector<ReferenceFile> const& references);

}  // namespace tessera::simulate
