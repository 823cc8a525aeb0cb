// Which reference types the steps of the official pipelines ask for (spec 10, 6.1; spec 20; spec 25, 2.8 to 2.10).
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::refs {

/// One official step for imaging.
struct StepReferences {
  std::string pipeline;             ///< "detector1", "image2", "image3"
  std::string step;                 ///< alias in the pipeline, "flat_field"
  std::string parameter_type;       ///< "pars-flatfieldstep"
  std::vector<std::string> types;   ///< reference types it reads, lower case
  std::vector<std::string> needed;  ///< those of them that must not be N/A (for these instruments: "miri filteroffset")
};

/// Every step, in the order of the pipelines.
std::span<StepReferences const> all_step_references();

/// Steps of one pipeline. Asking for another name is a ContractViolation.
std::vector<StepReferences> pipeline_references(std::string_view pipeline);

/// "pars-image2pipeline".
std::string pipeline_parameter_type(std::string_view pipeline);

/// Whether a step cannot do without a reference of this type for an instrument: N/A then is an error.
bool is_needed(StepReferences const& step, std::string_view type, std::string_view instrument);

}  // namespace tessera::refs
