// Parameters of lv2 as the configuration resolves them.
#pragma once
#include <map>
#include <string>

#include "tessera/config/resolved_parameters.hpp"
#include "tessera/config/step_catalogue.hpp"

namespace tessera::test {

/// lv2 with its defaults but for `settings`: full keys, "jwst_parameters.bkg_subtract.sigma", "updated_flats_dir".
inline config::ResolvedParameters lv2_parameters(std::map<std::string, config::Value> const& settings = {}) {
  config::ResolvedParameters parameters;
  parameters.step = "lv2";
  auto const take = [&](std::string const& prefix, config::ParameterTable const& table) {
    for (auto const& declared : table.parameters)
      parameters.by_key[prefix + declared.key] = {declared.default_value, true, declared.type, declared.support};
  };
  take("", config::find_step("lv2")->table);
  take("jwst_parameters.", config::inner_table("image2"));
  for (auto const* step : {"bkg_subtract", "assign_wcs", "flat_field", "photom"})
    take(std::string("jwst_parameters.") + step + ".", config::inner_table(step));
  for (auto const& [key, value] : settings) {
    auto& parameter = parameters.by_key[key];  // override_<type> is declared by its pattern alone
    parameter.value = value;
    parameter.is_default = false;
  }
  return parameters;
}

}  // namespace tessera::test
