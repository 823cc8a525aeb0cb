// Parameters of steps that CRDS gives in pars-* references (spec 25, 2.9).
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/io/asdf_value.hpp"
#include "tessera/refs/ref_selector.hpp"

namespace tessera::refs {

/// One pars-* file.
struct ParameterReference {
  std::string class_name;                         ///< "jwst.tweakreg.tweakreg_step.TweakRegStep"
  std::string name;                               ///< alias of the step, or name of the pipeline
  std::map<std::string, io::AsdfValue> own;       ///< parameters of the step or the pipeline itself
  std::map<std::string, io::AsdfValue> of_steps;  ///< of a pipeline's steps: "bkg_subtract.sigma"
};

/// Reads an ASDF or JSON file, in the form of today or in the older one with everything below `parameters`. Throws
/// InputError: not to be read, no parameters.
ParameterReference read_parameter_reference(std::filesystem::path const& path);

/// Parameters of the steps of a pipeline, one flat table: "bkg_subtract.sigma"; the pipeline's own without a step.
class StepParameters {
 public:
  std::map<std::string, io::AsdfValue> by_key;
  std::map<std::string, std::string> source;  ///< key -> the file it comes from
  std::vector<std::string> notes;             ///< references that could not be used: they count as none

  bool has(std::string_view key) const { return find(key) != nullptr; }

  /// The value as a type, nullopt where there is none or it is None. Texts are converted ("True", "None", "2.5"), as
  /// CRDS files have them. Throws InputError naming the key and its file for a value of another type.
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<std::int64_t> integer(std::string_view key) const;
  std::optional<double> real(std::string_view key) const;
  std::optional<std::string> text(std::string_view key) const;

 private:
  io::AsdfValue const* find(std::string_view key) const;
  [[noreturn]] void refuse(std::string_view key, std::string expected) const;
};

/// The one switch: whether pars-* references are honoured. False when STPIPE_DISABLE_CRDS_STEPPARS is true, as for the
/// official pipeline.
bool parameter_references_enabled();

/// Parameters of a pipeline ("image2") for an exposure: each step's own reference, over it the pipeline's. What a user
/// sets goes over these. A reference that is N/A, unknown, missing or broken gives no parameters; a missing or broken
/// one is noted. An empty table when not `enabled`.
StepParameters collect_step_parameters(RefSelector const& selector, ExposureParameters const& exposure,
                                       std::string_view pipeline, bool enabled = parameter_references_enabled());

}  // namespace tessera::refs
