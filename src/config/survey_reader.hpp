// From the two parsed files to a checked Survey. Private to src/config.
#pragma once
#include "tessera/config/survey.hpp"

namespace tessera::config {

/// Throws ConfigErrors listing everything wrong.
Survey read_survey(Value const& config, Value const& local);

}  // namespace tessera::config
