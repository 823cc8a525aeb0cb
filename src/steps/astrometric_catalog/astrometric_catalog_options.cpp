#include "tessera/steps/astrometric_catalog/astrometric_catalog_options.hpp"

#include <algorithm>
#include <limits>

#include "tessera/core/error.hpp"

namespace tessera::steps {

namespace {

std::string const Starfind = "starfind_parameters.";

[[noreturn]] void refuse(std::string const& key, std::string const& expected, std::string const& found) {
  throw ConfigError({"value is out of range", "parameters.astrometric_catalog." + key, expected, found, ""});
}

}  // namespace

kernels::StarFinderOptions AstrometricCatalogOptions::finder_for(double pixel_scale, std::string const& band) const {
  auto made = finder;
  made.fwhm = fwhm.value_or(band_fwhm_arcsec / pixel_scale);
  if (!(made.fwhm > 0))
    throw InputError({"the FWHM of its stars is not known", band, "a FWHM in pixels", "none",
                      "set parameters.astrometric_catalog.starfind_parameters.fwhm"});
  bool const is_iraf = made.finder == kernels::StarFinder::Iraf;
  double const separation = minsep_fwhm.value_or(is_iraf ? 2.5 : 0.0);
  made.min_separation =
      separation > 0 ? std::max(2.0, static_cast<double>(static_cast<int>(made.fwhm * separation + 0.5))) : 0;
  return made;
}

AstrometricCatalogOptions astrometric_catalog_options(config::ResolvedParameters const& parameters,
                                                      config::Band const& band) {
  AstrometricCatalogOptions options;
  options.snr = parameters.real("snr");
  options.noise = parameters.optional_text("noise") == "clip" ? MosaicNoiseMethod::Clip : MosaicNoiseMethod::Mad;
  options.constrained_diffusion = parameters.is_set("starfind_prefilter");
  auto& finder = options.finder;
  bool const is_iraf = parameters.text("starfind_method") == "iraf";
  finder.finder = is_iraf ? kernels::StarFinder::Iraf : kernels::StarFinder::Dao;
  // The declared defaults are those of dao; iraf has its own.
  auto const limit = [&](char const* name, double iraf_default) {
    auto const key = Starfind + name;
    return is_iraf && parameters.is_default(key) ? iraf_default : parameters.real(key);
  };
  finder.sharplo = limit("sharplo", 0.5);
  finder.sharphi = limit("sharphi", 2.0);
  finder.roundlo = limit("roundlo", 0.0);
  finder.roundhi = limit("roundhi", 0.2);
  finder.sigma_radius = parameters.real(Starfind + "sigma_radius");
  finder.peakmax = parameters.optional_real(Starfind + "peakmax");
  if (auto const brightest = parameters.optional_integer(Starfind + "brightest"))
    finder.brightest = static_cast<int>(std::min<std::int64_t>(*brightest, std::numeric_limits<int>::max()));
  if (!parameters.is_default(Starfind + "fwhm")) options.fwhm = parameters.optional_real(Starfind + "fwhm");
  options.band_fwhm_arcsec = band.fwhm_pixel * band.pixel_scale_arcsec;
  options.threshold = parameters.optional_real(Starfind + "threshold");
  options.minsep_fwhm = parameters.optional_real(Starfind + "minsep_fwhm");
  if (!(finder.sigma_radius > 0)) refuse(Starfind + "sigma_radius", "above 0", fmt::format("{}", finder.sigma_radius));
  if (options.fwhm && !(*options.fwhm > 0)) refuse(Starfind + "fwhm", "above 0", fmt::format("{}", *options.fwhm));
  if (options.minsep_fwhm && !(*options.minsep_fwhm >= 0))
    refuse(Starfind + "minsep_fwhm", "0 or more", fmt::format("{}", *options.minsep_fwhm));
  if (finder.sharplo > finder.sharphi)
    refuse(Starfind + "sharplo", fmt::format("at most sharphi, {}", finder.sharphi), fmt::format("{}", finder.sharplo));
  if (finder.roundlo > finder.roundhi)
    refuse(Starfind + "roundlo", fmt::format("at most roundhi, {}", finder.roundhi), fmt::format("{}", finder.roundlo));
  return options;
}

}  // namespace tessera::steps
