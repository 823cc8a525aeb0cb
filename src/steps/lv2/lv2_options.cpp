#include "tessera/steps/lv2/lv2_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/refs/step_references.hpp"

namespace tessera::steps {

namespace {

using config::ResolvedParameters;

std::string const Prefix = "jwst_parameters.";

/// Values of the official steps: the configuration's, else those of pars-* references, else the defaults.
class DecidedValues {
 public:
  DecidedValues(ResolvedParameters const& parameters, refs::StepParameters const& references)
      : parameters_(parameters), references_(references) {}

  bool boolean(std::string const& key) const {
    if (!is_configured(key))
      if (auto const said = references_.boolean(key)) return *said;
    return parameters_.boolean(Prefix + key);
  }
  std::optional<double> real(std::string const& key) const {
    if (!is_configured(key))
      if (auto const said = references_.real(key)) return said;
    return parameters_.optional_real(Prefix + key);
  }
  /// Integers of lowest to highest.
  std::optional<int> integer(std::string const& key, int lowest, int highest) const {
    std::optional<std::int64_t> value;
    if (!is_configured(key)) value = references_.integer(key);
    if (!value) value = parameters_.optional_integer(Prefix + key);
    if (value && (*value < lowest || *value > highest))
      refuse(key, fmt::format("an integer from {} to {}", lowest, highest), fmt::format("{}", *value));
    return value ? std::optional(static_cast<int>(*value)) : std::nullopt;
  }
  /// A text that is not empty.
  std::optional<std::string> text(std::string const& key) const {
    std::optional<std::string> value;
    if (!is_configured(key)) value = references_.text(key);
    if (!value && parameters_.by_key.contains(Prefix + key)) value = parameters_.optional_text(Prefix + key);
    return value && value->empty() ? std::nullopt : value;
  }
  bool is_configured(std::string const& key) const {
    return parameters_.by_key.contains(Prefix + key) && !parameters_.is_default(Prefix + key);
  }
  /// From a configuration or a parameter reference.
  bool is_said(std::string const& key) const { return is_configured(key) || references_.has(key); }

  [[noreturn]] void refuse(std::string const& key, std::string expected, std::string found) const {
    if (is_configured(key) || !references_.has(key))
      throw ConfigError({.what = "a parameter that cannot be",
                         .where = fmt::format("[parameters.lv2.jwst_parameters] {}", key),
                         .expected = std::move(expected),
                         .found = std::move(found)});
    auto const from = references_.source.find(key);
    throw InputError({.what = "a parameter of CRDS that cannot be",
                      .where = fmt::format("{}: {}", from == references_.source.end() ? "pars" : from->second, key),
                      .expected = std::move(expected),
                      .found = std::move(found),
                      .remedy = "set it in the configuration, or switch parameter references off"});
  }

 private:
  ResolvedParameters const& parameters_;
  refs::StepParameters const& references_;
};

/// A number above 0; unset stays unset.
std::optional<double> positive(DecidedValues const& values, std::string const& key) {
  auto const value = values.real(key);
  if (value && (!(*value > 0) || !std::isfinite(*value)))
    values.refuse(key, "a number above 0", fmt::format("{}", *value));
  return value;
}

sky::SipFitOptions sip_options(DecidedValues const& values, bool before_version_1_16) {
  sky::SipFitOptions sip;
  // The tolerances were ten times as large until 1.15.
  auto const tolerance = [&](std::string const& key) {
    auto const value = positive(values, key);
    return before_version_1_16 && !values.is_said(key) ? std::optional(0.1) : value;
  };
  sip.max_pix_error = tolerance("assign_wcs.sip_max_pix_error").value_or(sip.max_pix_error);
  sip.max_inv_pix_error = tolerance("assign_wcs.sip_max_inv_pix_error");
  sip.degree = values.integer("assign_wcs.sip_degree", 1, 6);
  sip.inv_degree = values.integer("assign_wcs.sip_inv_degree", 1, 6);
  sip.npoints = values.integer("assign_wcs.sip_npoints", 8, 1000).value_or(sip.npoints);
  return sip;
}

/// The first *.fits of a folder whose path contains the band's filter; empty when there is none.
std::string find_updated_flat(std::string const& folder, std::string const& band) {
  std::vector<std::string> flats;
  std::error_code error;
  for (std::filesystem::directory_iterator item(folder, error), end; !error && item != end; item.increment(error))
    if (item->path().extension() == ".fits") flats.push_back(item->path().string());
  if (error)
    throw ConfigError({.what = "the folder of flats cannot be read",
                       .where = "[parameters.lv2] updated_flats_dir",
                       .expected = "a folder with *.fits",
                       .found = fmt::format("{}: {}", folder, error.message())});
  std::sort(flats.begin(), flats.end());
  auto const name = band.substr(0, band.find('_'));  // without _nircam and _bgr
  auto const found =
      std::find_if(flats.begin(), flats.end(), [&](auto const& flat) { return flat.find(name) != std::string::npos; });
  return found == flats.end() ? "" : *found;
}

std::map<std::string, std::string> find_overrides(DecidedValues const& values, ResolvedParameters const& parameters,
                                                  std::string const& band) {
  std::map<std::string, std::string> overrides;
  for (auto const& step : refs::pipeline_references("image2"))
    for (auto const& type : step.types)
      if (auto const path = values.text(fmt::format("{}.override_{}", step.step, type))) overrides[type] = *path;
  // Replaces the flat completely, whatever else is said (spec 20, 4.4).
  if (auto const flat = values.text("flat_field.user_supplied_flat")) overrides["flat"] = *flat;
  if (parameters.is_set("updated_flats_dir"))
    if (auto const flat = find_updated_flat(parameters.text("updated_flats_dir"), band); !flat.empty())
      overrides["flat"] = flat;
  return overrides;
}

template <class T>
nlohmann::json json_of(std::optional<T> const& value) {
  return value ? nlohmann::json(*value) : nlohmann::json(nullptr);
}

template <class T>
std::optional<T> optional_of(nlohmann::json const& value) {
  return value.is_null() ? std::nullopt : std::optional(value.get<T>());
}

}  // namespace

Lv2Options lv2_options(config::ResolvedParameters const& parameters, refs::StepParameters const& references,
                       std::string const& band, bool before_version_1_16) {
  DecidedValues const values(parameters, references);
  Lv2Options options;
  options.skip_bkg_subtract = values.boolean("bkg_subtract.skip");
  options.skip_assign_wcs = values.boolean("assign_wcs.skip");
  options.skip_flat_field = values.boolean("flat_field.skip");
  options.skip_photom = values.boolean("photom.skip");
  options.bkg_clip.sigma = positive(values, "bkg_subtract.sigma").value_or(options.bkg_clip.sigma);
  options.bkg_clip.maxiters = values.integer("bkg_subtract.maxiters", 1, 1000000);
  options.save_combined_background = values.boolean("bkg_subtract.save_combined_background");
  options.save_bsub = values.boolean("save_bsub");
  options.sip_approx = values.boolean("assign_wcs.sip_approx");
  options.sip = sip_options(values, before_version_1_16);
  options.inverse_flat = values.boolean("flat_field.inverse");
  options.inverse_photom = values.boolean("photom.inverse");
  options.apply_time_correction = values.boolean("photom.apply_time_correction");
  options.before_version_1_16 = before_version_1_16;
  options.overrides = find_overrides(values, parameters, band);
  return options;
}

std::string Lv2Options::json() const {
  nlohmann::json const all{{"skip_bkg_subtract", skip_bkg_subtract},
                           {"skip_assign_wcs", skip_assign_wcs},
                           {"skip_flat_field", skip_flat_field},
                           {"skip_photom", skip_photom},
                           {"bkg_sigma", bkg_clip.sigma},
                           {"bkg_maxiters", json_of(bkg_clip.maxiters)},
                           {"save_combined_background", save_combined_background},
                           {"save_bsub", save_bsub},
                           {"sip_approx", sip_approx},
                           {"sip_max_pix_error", sip.max_pix_error},
                           {"sip_max_inv_pix_error", json_of(sip.max_inv_pix_error)},
                           {"sip_degree", json_of(sip.degree)},
                           {"sip_inv_degree", json_of(sip.inv_degree)},
                           {"sip_npoints", sip.npoints},
                           {"inverse_flat", inverse_flat},
                           {"inverse_photom", inverse_photom},
                           {"apply_time_correction", apply_time_correction},
                           {"before_version_1_16", before_version_1_16},
                           {"overrides", overrides}};
  return all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Lv2Options Lv2Options::from_json(std::string const& text) {
  auto const all = nlohmann::json::parse(text);
  Lv2Options options;
  all.at("skip_bkg_subtract").get_to(options.skip_bkg_subtract);
  all.at("skip_assign_wcs").get_to(options.skip_assign_wcs);
  all.at("skip_flat_field").get_to(options.skip_flat_field);
  all.at("skip_photom").get_to(options.skip_photom);
  all.at("bkg_sigma").get_to(options.bkg_clip.sigma);
  options.bkg_clip.maxiters = optional_of<int>(all.at("bkg_maxiters"));
  all.at("save_combined_background").get_to(options.save_combined_background);
  all.at("save_bsub").get_to(options.save_bsub);
  all.at("sip_approx").get_to(options.sip_approx);
  all.at("sip_max_pix_error").get_to(options.sip.max_pix_error);
  options.sip.max_inv_pix_error = optional_of<double>(all.at("sip_max_inv_pix_error"));
  options.sip.degree = optional_of<int>(all.at("sip_degree"));
  options.sip.inv_degree = optional_of<int>(all.at("sip_inv_degree"));
  all.at("sip_npoints").get_to(options.sip.npoints);
  all.at("inverse_flat").get_to(options.inverse_flat);
  all.at("inverse_photom").get_to(options.inverse_photom);
  all.at("apply_time_correction").get_to(options.apply_time_correction);
  all.at("before_version_1_16").get_to(options.before_version_1_16);
  all.at("overrides").get_to(options.overrides);
  return options;
}

}  // namespace tessera::steps
