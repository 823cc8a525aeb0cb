#include "tessera/config/step_catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "tables/tables.hpp"
#include "tessera/core/contract.hpp"

namespace tessera::config {

namespace {

/// In the order recommended for a new survey (spec 40, 0.10).
constexpr std::array recommended_order{
    "download",
    "gaia_query",
    "move_raw_obs",
    "lv1",
    "persistence",
    "single_tile_destripe",
    "lv2",
    "get_wcs_adjust",
    "apply_wcs_adjust",
    "lyot_mask",
    "lyot_separate",
    "level_match",
    "multi_tile_destripe",
    "psf_model",
    "lv3",
    "astrometric_catalog",
    "astrometric_align",
    "mosaic_individual_fields",
    "anchoring",
    "psf_matching",
    "release",
    "regress_against_previous",
};

std::vector<Step> make_all_steps() {
  std::vector<Step> found;
  for (auto const& group : {raw_steps(), exposure_steps(), mosaic_steps()})
    found.insert(found.end(), group.begin(), group.end());
  std::vector<Step> ordered;
  for (auto const* name : recommended_order) {
    auto const step = std::find_if(found.begin(), found.end(), [&](Step const& each) { return each.name == name; });
    TESSERA_EXPECT(step != found.end());
    ordered.push_back(*step);
  }
  TESSERA_EXPECT(ordered.size() == found.size());
  return ordered;
}

std::map<std::string, ParameterTable, std::less<>> make_inner_tables() {
  std::map<std::string, ParameterTable, std::less<>> tables;
  for (auto const& group : {detector1_tables(), image2_tables(), image3_tables(), pjpipe_inner_tables()})
    for (auto const& table : group) tables.emplace(table.name, table);
  return tables;
}

}  // namespace

std::span<Step const> all_steps() {
  static std::vector<Step> const steps = make_all_steps();
  return steps;
}

Step const* find_step(std::string_view name) {
  for (auto const& step : all_steps())
    if (step.name == name) return &step;
  return nullptr;
}

std::vector<std::string> step_names() {
  std::vector<std::string> names;
  for (auto const& step : all_steps()) names.push_back(step.name);
  return names;
}

ParameterTable const& inner_table(std::string_view name) {
  static auto const tables = make_inner_tables();
  auto const found = tables.find(name);
  if (found == tables.end())
    throw ContractViolation(fmt::format("no inner parameter table {} (a bug of tessera)", name));
  return found->second;
}

ParameterTable const& tessera_table() {
  static ParameterTable const table = make_tessera_table();
  return table;
}

std::vector<std::string> names_of(std::vector<ParameterTable> const& tables) {
  std::vector<std::string> names;
  for (auto const& table : tables) names.push_back(table.name);
  return names;
}

ParameterTable official_step(std::string name, bool skip, std::vector<Parameter> parameters) {
  parameters.insert(parameters.begin(), boolean("skip", skip, "leave this step out").built());
  ParameterTable table = official_pipeline(std::move(name), std::move(parameters));
  // A skipped resample needs no work, so asking for it is always possible.
  if (table.name == "resample") table.parameters.front().support = Support::Built;
  return table;
}

ParameterTable official_pipeline(std::string name, std::vector<Parameter> parameters) {
  // Where files go is tessera's business: these are accepted so that a configuration for the official pipeline is.
  parameters.push_back(boolean("save_results", {}, "save the result of the official step").without_effect());
  for (auto const* key : {"output_dir", "output_file", "output_ext", "suffix", "input_dir"})
    parameters.push_back(text(key, {}, "file handling of the official step").without_effect());
  for (auto const* key : {"search_output_file", "output_use_model", "output_use_index"})
    parameters.push_back(boolean(key, {}, "file handling of the official step").without_effect());
  for (auto const* key : {"pre_hooks", "post_hooks"})
    parameters.push_back(list(key, {}, "Python hooks of the official step").without_effect());
  parameters.push_back(text("override_*", {}, "reference file that replaces the one of CRDS"));
  return {std::move(name), std::move(parameters)};
}

Step make_step(std::string name, StepClass step_class, StepKind kind, std::string purpose,
               std::vector<Parameter> parameters) {
  parameters.push_back(boolean("overwrite", false, "delete the products of this step and make them again"));
  Step step;
  step.table = {name, std::move(parameters)};
  step.name = std::move(name);
  step.step_class = step_class;
  step.kind = kind;
  step.purpose = std::move(purpose);
  return step;
}

}  // namespace tessera::config
