#include "tessera/steps/get_wcs_adjust/get_wcs_adjust_options.hpp"

#include <algorithm>
#include <cctype>
#include <set>

#include "tessera/config/resolve.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/nearest_name.hpp"
#include "tessera/steps/tweakreg/tweakreg_options.hpp"

namespace tessera::steps {

namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

AdjustMethod parse_method(std::string const& name) {
  for (auto const method : {AdjustMethod::Tweakreg, AdjustMethod::CrossCorrelation, AdjustMethod::Global})
    if (name == method_name(method)) return method;
  throw ConfigError({"unknown method", "parameters.get_wcs_adjust.method", "tweakreg, cross_corr or global", name, ""});
}

/// The file of a target in {target: file}; empty where there is none.
std::string catalogue_of(config::Value const& catalogues, std::string const& target) {
  if (!catalogues.is_table()) return "";
  config::Value const* found = catalogues.find(target);
  for (auto const& [key, value] : catalogues.table())
    if (!found && lower(key) == lower(target)) found = &value;
  if (!found) return "";
  if (!found->is_text())
    throw ConfigError({"wrong type",
                       config::where_text(found->place(), "parameters.get_wcs_adjust.alignment_catalogs." + target),
                       "the name of a file in alignment_dir", found->describe(), ""});
  return found->text();
}

/// The value in `table` for a band: by target (letter case ignored), band, channel, instrument.
std::string reference_of(config::Value const& table, std::string const& target, config::Band const& band) {
  if (!table.is_table()) return "";
  std::string target_key = target;
  for (auto const& [key, value] : table.table())
    if (!table.find(target) && lower(key) == lower(target)) target_key = key;
  auto const value = config::resolve_value(table, target_key, &band);
  if (!value) return "";
  if (!value->is_text())
    throw ConfigError({"wrong type", config::where_text(value->place(), "parameters.get_wcs_adjust.reference_band"),
                       "the name of a band", value->describe(), ""});
  return value->text() == band.name ? "" : value->text();
}

/// Follows the reference bands from this one until there is none.
std::string find_reference(config::ResolvedParameters const& p, config::Band const& band) {
  auto const& table = p.value("reference_band");
  auto const listed = p.texts("bands");
  auto const first = reference_of(table, p.target, band);
  std::string const where = "parameters.get_wcs_adjust.reference_band";
  std::set<std::string> seen{band.name};
  for (auto next = first; !next.empty();) {
    if (std::find(listed.begin(), listed.end(), next) == listed.end())
      throw ConfigError({"a reference band that is not measured", where, "one of the bands of get_wcs_adjust", next,
                         suggest_name(next, listed)});
    if (!seen.insert(next).second)
      throw ConfigError({"reference bands that refer to each other", where, "a band without a reference at the end",
                         fmt::format("{} again, from {}", next, band.name), "take one of them out"});
    next = reference_of(table, p.target, config::parse_band(next));
  }
  return first;
}

}  // namespace

char const* method_name(AdjustMethod method) {
  switch (method) {
    case AdjustMethod::Tweakreg:
      return "tweakreg";
    case AdjustMethod::CrossCorrelation:
      return "cross_corr";
    case AdjustMethod::Global:
      return "global";
  }
  return "";
}

GetWcsAdjustOptions get_wcs_adjust_options(config::ResolvedParameters const& p, config::Band const& band) {
  GetWcsAdjustOptions options;
  options.method = parse_method(p.text("method"));
  auto const grouped = p.texts("group_dithers");
  options.group_dithers =
      std::find(grouped.begin(), grouped.end(), config::instrument_name(band.instrument)) != grouped.end();
  options.degroup_nircam_modules = p.boolean("degroup_nircam_modules") && band.instrument == config::Instrument::Nircam;
  auto const tweakreg = read_tweakreg_table(p, "tweakreg_parameters.", band);
  options.searchrad = tweakreg.align.relative.searchrad;
  if (options.method == AdjustMethod::Tweakreg && tweakreg.method == TweakregStepOptions::Method::Global)
    options.method = AdjustMethod::Global;
  options.reprojection = kernels::parse_reprojection(p.text("reproject_func"));
  if (p.optional_text("custom_catalog_function")) {
    auto const integer = [&](char const* key) {
      return static_cast<int>(
          std::min<std::int64_t>(p.integer(std::string("custom_catalog_function_kwargs.") + key), 1000000));
    };
    options.diffusion = DiffusionStars{integer("pivot_scale"), p.real("custom_catalog_function_kwargs.snr_threshold"),
                                       integer("max_sources")};
  }
  options.catalogue = catalogue_of(p.value("alignment_catalogs"), p.target);
  options.reference_band = find_reference(p, band);
  if (options.method == AdjustMethod::CrossCorrelation && !options.reference_band.empty())
    throw ConfigError({"a reference band for a band that is cross-correlated",
                       "parameters.get_wcs_adjust.reference_band", "method tweakreg or global, which list stars",
                       fmt::format("method cross_corr for {}", band.name), "change the method, or take it out"});
  return options;
}

std::vector<std::filesystem::path> get_wcs_adjust_files(config::ResolvedParameters const& parameters,
                                                        config::Band const& band,
                                                        std::filesystem::path const& alignment_dir) {
  auto const options = get_wcs_adjust_options(parameters, band);
  if (options.method == AdjustMethod::CrossCorrelation) return {};
  auto tweakreg = read_tweakreg_table(parameters, "tweakreg_parameters.", band);
  if (!options.catalogue.empty()) tweakreg.abs_refcat = options.catalogue;
  if (!options.reference_band.empty()) tweakreg.abs_refcat.clear();
  if (options.diffusion) tweakreg.stars.use_custom_catalogs = false;
  return tweakreg_files(tweakreg, parameters.target, alignment_dir);
}

}  // namespace tessera::steps
