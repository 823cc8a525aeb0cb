// The list of all steps: what each is, whether it is built, and its parameter table.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/config/parameter_table.hpp"

namespace tessera::config {

/// How often a step runs (spec 40, 0.2).
enum class StepClass {
  Combined,  ///< once a target
  PerBand,   ///< once a (target, band)
  Implicit,  ///< by itself, before the first per-band step of a band
};

/// How its work is divided (design, section 4).
enum class StepKind {
  Item,   ///< one exposure after another
  Pool,   ///< pairs, sky tiles, solves
  Files,  ///< moves files or asks archives; no numerics
};

struct Step {
  std::string name;
  StepClass step_class = StepClass::PerBand;
  StepKind kind = StepKind::Item;
  bool is_built = false;
  std::string purpose;  ///< one line
  ParameterTable table;
};

/// All steps in the recommended order.
std::span<Step const> all_steps();

/// Null when there is no such step.
Step const* find_step(std::string_view name);
std::vector<std::string> step_names();

/// Attribute tables named by Parameter::inner: official steps (tweakreg, resample, jump, ...), the pipelines around
/// them (detector1, image2, image3), and our inner tables. Asking for another name is a ContractViolation.
ParameterTable const& inner_table(std::string_view name);

/// The `[tessera]` table: what pjpipe does not have.
ParameterTable const& tessera_table();

}  // namespace tessera::config
