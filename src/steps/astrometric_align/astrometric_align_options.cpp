#include "tessera/steps/astrometric_align/astrometric_align_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>
#include <map>

#include "tessera/config/bands.hpp"
#include "tessera/core/error.hpp"

namespace tessera::steps {

namespace {

std::string const Parameters = "parameters.astrometric_align.";

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

/// A dictionary of texts by its keys in lower case; empty where it is not set.
std::map<std::string, config::Value const*> texts_by_key(config::ResolvedParameters const& parameters,
                                                         std::string const& name) {
  std::map<std::string, config::Value const*> found;
  auto const& value = parameters.value(name);
  if (value.is_none()) return found;
  if (!value.is_table())
    throw ConfigError({"is no table", Parameters + name, "a table of names", value.describe(), ""});
  for (auto const& [key, member] : value.table()) {
    if (!member.is_text())
      throw ConfigError({"value is no text", Parameters + name + "." + key, "a name", member.describe(), ""});
    found[lower_case(key)] = &member;
  }
  return found;
}

/// Bands by the bands that they need, both in lower case.
using BandGraph = std::map<std::string, std::string>;

BandGraph read_bands(config::ResolvedParameters const& parameters, std::string const& name) {
  BandGraph graph;
  for (auto const& [key, value] : texts_by_key(parameters, name)) {
    std::string upper = key;  // letters of a filter, but not of "_bgr", "_nircam"
    for (std::size_t k = 0; k < std::min(upper.find('_'), upper.size()); ++k)
      upper[k] = static_cast<char>(std::toupper(static_cast<unsigned char>(upper[k])));
    config::parse_band(upper, value->place(), Parameters + name);
    config::parse_band(value->text(), value->place(), Parameters + name + "." + upper);
    graph[key] = lower_case(value->text());
  }
  return graph;
}

void refuse_circles(BandGraph const& mapping, BandGraph const& matching) {
  BandGraph needs = matching;
  for (auto const& [band, other] : mapping) needs[band] = other;
  for (auto const& entry : needs) {
    std::string path = entry.first;
    std::string band = entry.first;
    for (std::size_t step = 0; step <= needs.size(); ++step) {
      auto const next = needs.find(band);
      if (next == needs.end()) break;
      band = next->second;
      path += " -> " + band;
      if (band == entry.first)
        throw ConfigError({"bands need each other in a circle", Parameters + "align_mapping and ref_long_filter",
                           "bands that end at one with a catalogue of its own", path, "leave one of them out"});
    }
  }
}

std::optional<std::string> text_of(std::map<std::string, config::Value const*> const& texts, std::string const& key) {
  auto const found = texts.find(lower_case(key));
  return found == texts.end() ? std::nullopt : std::optional(found->second->text());
}

/// "iteration2" -> 2; 0 for what is none.
int iteration_number(std::string_view name) {
  constexpr std::string_view Stem = "iteration";
  if (!name.starts_with(Stem)) return 0;
  int number = 0;
  auto const [end, error] = std::from_chars(name.data() + Stem.size(), name.data() + name.size(), number);
  return error == std::errc{} && end == name.data() + name.size() ? number : 0;
}

AlignIteration read_iteration(config::ResolvedParameters const& parameters, std::string const& name) {
  auto const prefix = "tweakreg_parameters." + (name.empty() ? "" : name + ".");
  AlignIteration iteration;
  iteration.name = name;
  iteration.searchrad = parameters.real(prefix + "searchrad");
  iteration.separation = parameters.real(prefix + "separation");
  iteration.tolerance = parameters.real(prefix + "tolerance");
  iteration.use2dhist = parameters.boolean(prefix + "use2dhist");
  iteration.geometry = kernels::parse_fit_geometry(parameters.text(prefix + "fitgeom"));
  iteration.nclip = static_cast<int>(std::min<std::int64_t>(parameters.integer(prefix + "nclip"), 1000));
  iteration.sigma = parameters.real(prefix + "sigma");
  iteration.minobj = static_cast<int>(std::min<std::int64_t>(parameters.optional_integer(prefix + "minobj").value_or(1),
                                                             std::numeric_limits<int>::max()));
  iteration.minobj = std::max(iteration.minobj, kernels::least_pairs(iteration.geometry));
  auto const require_positive = [&](char const* key, double value) {
    if (!(value > 0))
      throw ConfigError({"value is out of range", Parameters + prefix + key, "above 0", fmt::format("{}", value), ""});
  };
  require_positive("searchrad", iteration.searchrad);
  require_positive("tolerance", iteration.tolerance);
  require_positive("sigma", iteration.sigma);
  return iteration;
}

/// In the order of their numbers.
std::vector<AlignIteration> read_iterations(config::ResolvedParameters const& parameters) {
  std::map<int, std::string> names;
  std::string const start = "tweakreg_parameters.";
  for (auto const& entry : parameters.by_key) {
    if (!entry.first.starts_with(start)) continue;
    auto const rest = entry.first.substr(start.size());
    auto const name = rest.substr(0, rest.find('.'));
    if (rest.find('.') == std::string::npos || !name.starts_with("iteration")) continue;
    int const number = iteration_number(name);
    if (number == 0)
      throw ConfigError({"is no iteration", Parameters + start + name, "iteration1, iteration2, ...", name, ""});
    names[number] = name;
  }
  std::vector<AlignIteration> iterations;
  for (auto const& entry : names) iterations.push_back(read_iteration(parameters, entry.second));
  if (iterations.empty()) iterations.push_back(read_iteration(parameters, ""));
  return iterations;
}

}  // namespace

AstrometricAlignOptions astrometric_align_options(config::ResolvedParameters const& parameters,
                                                  std::string const& target, std::string const& band) {
  AstrometricAlignOptions options;
  auto const mapping = read_bands(parameters, "align_mapping"), matching = read_bands(parameters, "ref_long_filter");
  refuse_circles(mapping, matching);
  options.catalogue = text_of(texts_by_key(parameters, "catalogs"), target);
  options.mapped_to = text_of(texts_by_key(parameters, "align_mapping"), band);
  options.matched_to = text_of(texts_by_key(parameters, "ref_long_filter"), band);
  options.cross_correlate = parameters.text("align_mapping_mode") == "cross_corr";
  options.reprojection = kernels::parse_reprojection(parameters.text("reproject_func"));
  options.iterations = read_iterations(parameters);
  return options;
}

}  // namespace tessera::steps
