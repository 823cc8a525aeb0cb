// Survey::resolve: every parameter of a step decided for one (target, band).
#include <algorithm>

#include "tessera/config/resolve.hpp"
#include "tessera/config/step_catalogue.hpp"
#include "tessera/config/survey.hpp"
#include "tessera/core/contract.hpp"

namespace tessera::config {

namespace {

class Resolver {
 public:
  Resolver(std::string_view target, Band const* band, ResolvedParameters& resolved)
      : target_(target), band_(band), resolved_(resolved) {}

  /// Resolves every parameter of `table`, from the values in `given` (null: none), under "prefix".
  void resolve_table(ParameterTable const& table, Value const* given, std::string const& prefix) {
    for (auto const& parameter : table.parameters) {
      if (parameter.support == Support::Retired || parameter.key == "override_*") continue;
      Value const* value = given ? given->find(parameter.key) : nullptr;
      if (!parameter.alias_of.empty()) {
        // The newer name wins where both are given.
        if (value && !given->find(parameter.alias_of)) resolve_parameter(parameter, value, prefix + parameter.alias_of);
        continue;
      }
      resolve_parameter(parameter, value, prefix + parameter.key);
    }
    if (given && given->is_table())
      for (auto const& [key, value] : given->table())
        if (key.starts_with("override_") && table.find(key)) resolve_plain(*table.find(key), &value, prefix + key);
  }

 private:
  void resolve_parameter(Parameter const& parameter, Value const* value, std::string const& key) {
    switch (parameter.content) {
      case Content::Plain:
        resolve_plain(parameter, value, key);
        break;
      case Content::Free:
        resolved_.by_key[key] = {value ? *value : Value(), value == nullptr, parameter.type, parameter.support};
        break;
      case Content::Attributes:
        resolve_table(inner_table(parameter.inner.front()), value, key + ".");
        break;
      case Content::Iterations:
        resolve_iterations(parameter, value, key);
        break;
      case Content::SubSteps:
        resolve_table(inner_table(parameter.inner.front()), value, key + ".");
        for (std::size_t index = 1; index < parameter.inner.size(); ++index) {
          auto const& name = parameter.inner[index];
          resolve_table(inner_table(name), value ? value->find(name) : nullptr, key + "." + name + ".");
        }
        break;
    }
  }

  void resolve_iterations(Parameter const& parameter, Value const* value, std::string const& key) {
    auto const& table = inner_table(parameter.inner.front());
    bool has_iterations = false;
    if (value && value->is_table())
      for (auto const& [name, member] : value->table())
        if (name.starts_with("iteration") && member.is_table()) {
          has_iterations = true;
          resolve_table(table, &member, key + "." + name + ".");
        }
    if (!has_iterations) resolve_table(table, value, key + ".");
  }

  void resolve_plain(Parameter const& parameter, Value const* value, std::string const& key) {
    auto const specialised = value ? resolve_value(*value, target_, band_) : std::nullopt;
    if (!specialised) {
      if (parameter.support != Support::NoEffect && !resolved_.by_key.contains(key))
        resolved_.by_key[key] = {parameter.default_value, true, parameter.type, parameter.support};
      return;
    }
    // A text that is pixels only becomes a length where a band gives the pixel; texts stay what was written.
    bool const wants_text = parameter.type == ParameterType::Text || parameter.type == ParameterType::TextOrNumber;
    Value const* chosen = &*specialised;
    std::optional<Value> verbatim;
    if (wants_text && specialised->is_number()) {
      verbatim = resolve_value(*value, target_, nullptr);
      if (verbatim && verbatim->is_text()) chosen = &*verbatim;
    }
    Problem problem;
    auto coerced = coerce(parameter, *chosen, false, problem);
    if (!coerced) {
      problem.where = where_text(chosen->place(), "parameters." + resolved_.step + "." + key);
      throw ConfigError(std::move(problem));
    }
    resolved_.by_key[key] = {std::move(*coerced), false, parameter.type, parameter.support};
  }

  std::string_view target_;
  Band const* band_;
  ResolvedParameters& resolved_;
};

/// The finder kernel is that of the band unless configured: as it is in level 3, twice as wide in get_wcs_adjust
/// (spec 40, 1.7 and 1.12).
void fill_kernel_fwhm(ResolvedParameters& resolved, Band const& band) {
  if (band.fwhm_pixel <= 0) return;
  auto const fill = [&](std::string const& key, double fwhm) {
    auto const found = resolved.by_key.find(key);
    if (found != resolved.by_key.end() && found->second.value.is_none()) found->second.value = Value(fwhm);
  };
  fill("jwst_parameters.tweakreg.kernel_fwhm", band.fwhm_pixel);
  fill("jwst_parameters.source_catalog.kernel_fwhm", band.fwhm_pixel);
  fill("tweakreg_parameters.kernel_fwhm", 2 * band.fwhm_pixel);
  fill("starfind_parameters.fwhm", band.fwhm_pixel);
}

}  // namespace

ResolvedParameters Survey::resolve(std::string_view step, std::string_view target, Band const* band) const {
  auto const* declared = find_step(step);
  TESSERA_EXPECT(declared != nullptr);
  ResolvedParameters resolved;
  resolved.step = step;
  resolved.target = target;
  if (band) resolved.band = band->name;
  Resolver(target, band, resolved).resolve_table(declared->table, parameters.find(step), "");
  if (band) fill_kernel_fwhm(resolved, *band);
  // Catalogues that were tuned with pjpipe's noise need it (spec 40, 1.13).
  if (auto const noise = resolved.by_key.find("noise"); step == "astrometric_catalog" && noise->second.value.is_none())
    noise->second.value = Value(tessera.compat_pjpipe_121 ? "clip" : "mad");
  return resolved;
}

RawSelection Survey::raw_selection(std::string_view target, Band const& band) const {
  auto const resolved = resolve("move_raw_obs", target, &band);
  return select_raw_files(resolved.value("obs_to_skip"), resolved.value("extra_obs_to_include"), target, band);
}

}  // namespace tessera::config
