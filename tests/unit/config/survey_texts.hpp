// A small valid configuration that tests change one thing of.
#pragma once
#include <string>

#include "tessera/config/survey.hpp"

namespace tessera::config::test {

inline std::string const local_text = "raw_dir = '/raw'\nreprocess_dir = '/work'\nalignment_dir = '/align'\n";

/// A survey with these steps and this text after the top level.
inline SurveyText survey_text(std::string const& steps, std::string const& rest = "") {
  return {
      "targets = ['ngc0628', 'IC5332']\nversion = 'v1'\n"
      "bands = ['F200W', 'F300M', 'F770W', 'F770W_bgr']\nsteps = [" +
          steps + "]\n" + rest,
      local_text};
}

inline Survey parse(std::string const& steps, std::string const& rest = "") {
  return parse_survey(survey_text(steps, rest));
}

/// The problems parse_survey complains about; empty when it does not.
inline std::vector<Problem> problems_of(SurveyText const& text) {
  try {
    parse_survey(text);
  } catch (ConfigErrors const& errors) {
    return errors.all();
  }
  return {};
}

}  // namespace tessera::config::test
