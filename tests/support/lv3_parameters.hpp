// Parameters of lv3 as the configuration resolves them, for tests of the official steps in it.
#pragma once
#include <map>
#include <string>

#include "tessera/config/resolved_parameters.hpp"
#include "tessera/config/step_catalogue.hpp"

namespace tessera::test {

/// lv3 and its step `name` ("tweakreg") with their defaults but for `settings`: keys of the step ("minobj") or of lv3
/// ("tweakreg_group_dithers").
inline config::ResolvedParameters lv3_parameters(std::string const& name,
                                                 std::map<std::string, config::Value> const& settings) {
  config::ResolvedParameters parameters;
  parameters.step = "lv3";
  auto const take = [&](std::string const& prefix, config::ParameterTable const& table) {
    for (auto const& declared : table.parameters) {
      auto const set = settings.find(declared.key);
      parameters.by_key[prefix + declared.key] = {set == settings.end() ? declared.default_value : set->second,
                                                  set == settings.end(), declared.type, declared.support};
    }
  };
  take("", config::find_step("lv3")->table);
  take("jwst_parameters." + name + ".", config::inner_table(name));
  return parameters;
}

}  // namespace tessera::test
