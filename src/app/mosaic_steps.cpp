#include "mosaic_steps.hpp"

#include <algorithm>
#include <numeric>

#include "tessera/core/nearest_name.hpp"

namespace tessera::app {

namespace {

constexpr char const* Target = "mosaic";
/// Stands for frames that are of no JWST filter: only defaults that depend on the class of the detector need it.
constexpr char const* AnyFilter = "F200W";

/// The steps that may be asked for: those that need nothing but the exposures.
std::vector<pipeline::LedgerStep const*> known_steps() {
  std::vector<pipeline::LedgerStep const*> known;
  for (auto const& step : pipeline::ledger_steps())
    if (!step.name.ends_with("wcs_adjust") && !step.name.starts_with("lyot") && !step.after_mosaics)
      known.push_back(&step);
  return known;
}

pipeline::LedgerStep const& find_step(std::string const& name) {
  std::vector<std::string> names;
  for (auto const* step : known_steps()) {
    if (step->name == name) return *step;
    names.push_back(step->name);
  }
  throw ConfigError({"no such step before a mosaic", "--steps", "", "'" + name + "'", suggest_name(name, names)});
}

/// A text as a TOML basic string.
std::string quoted(std::string const& text) {
  std::string result = "\"";
  for (char const letter : text) {
    if (letter == '"' || letter == '\\') result += '\\';
    result += letter;
  }
  return result + "\"";
}

/// A value as TOML has it: words that are none of its own are texts.
std::string toml_value(std::string const& value) {
  bool const is_number = value.find_first_not_of("+-.0123456789eE") == std::string::npos && !value.empty();
  bool const is_literal = value == "true" || value == "false" || value.starts_with("[") || value.starts_with("\"");
  return is_number || is_literal ? value : quoted(value);
}

/// "level_match.weight_method=rms" as a line of a configuration.
std::string configuration_line(std::string const& setting) {
  auto const dot = setting.find('.'), equals = setting.find('=');
  if (dot == std::string::npos || equals == std::string::npos || dot > equals)
    throw ConfigError({"a parameter and its value are needed", "--set", "STEP.PARAMETER=VALUE", setting, ""});
  auto const& step = find_step(setting.substr(0, dot));
  std::string const path = step.listed == step.name ? step.name : step.listed + ".jwst_parameters." + step.name;
  return "parameters." + path + setting.substr(dot, equals - dot) + " = " + toml_value(setting.substr(equals + 1)) +
         "\n";
}

/// The configuration that says the same, so that names and values are checked and resolved as everywhere.
config::Survey survey_of(MosaicOptions const& options, std::filesystem::path const& folder,
                         std::vector<store::ExposureRecord> const& records) {
  auto const& filters = config::known_filters();
  std::string filter = AnyFilter;
  if (!records.empty() && std::find(filters.begin(), filters.end(), records.front().filter) != filters.end())
    filter = records.front().filter;
  std::string steps;
  for (auto const& name : options.steps) steps += "\"" + find_step(name).listed + "\", ";
  std::string text = "targets = [\"" + std::string(Target) + "\"]\nversion = " + quoted(folder.filename().string()) +
                     "\nbands = [\"" + filter + "\"]\nsteps = [" + steps + "]\n";
  for (auto const& setting : options.settings) text += configuration_line(setting);
  auto const root = quoted(std::filesystem::absolute(folder).parent_path().string());
  return config::parse_survey({text,
                               "raw_dir = " + root + "\nreprocess_dir = " + root + "\nalignment_dir = " + root + "\n",
                               "--set", "--output"});
}

}  // namespace

void add_mosaic_steps(MosaicOptions const& options, std::filesystem::path const& folder,
                      pipeline::RunRequest& request) {
  if (options.steps.empty()) {
    if (!options.settings.empty())
      throw ConfigError({"a parameter of a step that does not run", "--set", "", options.settings.front(),
                         "name the step with --steps"});
    return;
  }
  auto const survey = survey_of(options, folder, request.inventory.records);
  auto const& band = survey.bands.front();
  for (auto& record : request.inventory.records) record.identity.band = band.name;
  std::vector<int> members(request.inventory.records.size());
  std::iota(members.begin(), members.end(), 0);
  request.exposures.push_back({Target, band.name, members});
  for (auto const& name : options.steps) {
    auto const& step = find_step(name);
    pipeline::BandWork work;
    work.target = Target;
    work.band = band;
    work.members = work.members_after = members;
    work.parameters = survey.resolve(step.listed, Target, &band);
    work.target_dir = survey.target_dir(Target);
    work.products = folder / step.name;
    request.steps.push_back({&step, static_cast<int>(request.steps.size()) + 1, {std::move(work)}});
  }
}

}  // namespace tessera::app
