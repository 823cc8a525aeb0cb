// Checks what a configuration says about parameters against their declarations. Private to src/config.
#pragma once
#include <vector>

#include "tessera/config/step_catalogue.hpp"

namespace tessera::config {

struct Findings {
  std::vector<Problem> errors;
  std::vector<Problem> warnings;
  std::vector<Problem> not_built;
};

/// Whose table it is.
enum class TableKind {
  Arguments,  ///< a step's: values may be specialised; unknown keys only warn, for they may be meant for pjpipe
  Places,     ///< local.toml: plain values; unknown keys warn
  Own,        ///< ours: plain values; an unknown key can only be a mistake, so it is an error
};

/// Checks `value` against `table`, inner tables included. `dotted` is its key, empty for a whole file.
/// With `name_not_built`, parameters that are set, differ from their default and are not built go into
/// findings.not_built.
void check_table(ParameterTable const& table, Value const& value, std::string const& dotted, TableKind kind,
                 bool name_not_built, Findings& findings);

}  // namespace tessera::config
