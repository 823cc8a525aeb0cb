// Text about a step and its parameters, made from the declarations.
#pragma once
#include <string>
#include <string_view>

#include "tessera/config/step_catalogue.hpp"

namespace tessera::config {

/// For `tessera explain STEP` ("tessera" explains the [tessera] table).
/// Throws ConfigError naming the nearest step when there is no such step.
std::string explain_step(std::string_view name);

/// One line a step: name, class, built or not, purpose. For `tessera explain` without a step.
std::string list_steps();

/// Markdown table of a parameter table, inner tables included with dotted keys: the options of a docs page.
std::string markdown_table(ParameterTable const& table);

}  // namespace tessera::config
