#include "tessera/steps/source_catalog/source_catalog_options.hpp"

#include "tessera/core/error.hpp"

namespace tessera::steps {

namespace {

std::string const Prefix = "jwst_parameters.source_catalog.";

/// The official default where the band has no known FWHM.
constexpr double DefaultFwhm = 2;

/// File that replaces a reference; empty where none is given, or "N/A".
std::string override_of(config::ResolvedParameters const& p, std::string const& reference) {
  auto const key = Prefix + "override_" + reference;
  if (!p.is_set(key)) return {};
  auto const name = p.text(key);
  return name == "N/A" ? std::string() : name;
}

[[noreturn]] void fail(std::string const& what, std::string const& key, std::string const& expected,
                       std::string const& found, std::string const& remedy) {
  throw ConfigError({what, "parameters.lv3." + Prefix + key, expected, found, remedy});
}

}  // namespace

SourceCatalogOptions source_catalog_options(config::ResolvedParameters const& p, config::Band const& band) {
  if (auto const finder = p.text(Prefix + "starfinder"); finder != "segmentation")
    fail("source_catalog finds sources by segmentation", "starfinder", "segmentation", finder,
         "leave starfinder out here; astrometric_catalog lists point sources");
  SourceCatalogOptions options;
  options.snr_threshold = p.real(Prefix + "snr_threshold");
  options.box = p.integer(Prefix + "bkg_boxsize");
  auto& segmentation = options.segmentation;
  segmentation.kernel_fwhm = p.optional_real(Prefix + "kernel_fwhm").value_or(DefaultFwhm);
  segmentation.npixels = static_cast<int>(p.integer(Prefix + "npixels"));
  segmentation.connectivity = static_cast<int>(p.integer(Prefix + "connectivity"));
  segmentation.nlevels = static_cast<int>(p.integer(Prefix + "nlevels"));
  segmentation.contrast = p.real(Prefix + "contrast");
  segmentation.deblend = p.boolean(Prefix + "deblend");
  auto const spacing = p.text(Prefix + "multithresh_mode");
  segmentation.multithresh_mode = spacing == "linear" ? kernels::LevelSpacing::Linear
                                  : spacing == "sinh" ? kernels::LevelSpacing::Sinh
                                                      : kernels::LevelSpacing::Exponential;
  for (std::size_t k = 0; k < 3; ++k)
    options.aperture_ee[k] = static_cast<int>(p.integer(Prefix + "aperture_ee" + std::to_string(k + 1)));
  options.ci1 = p.real(Prefix + "ci1_star_threshold");
  options.ci2 = p.real(Prefix + "ci2_star_threshold");
  options.apcorr = override_of(p, "apcorr");
  options.abvegaoffset = override_of(p, "abvegaoffset");

  if (!(options.snr_threshold > 0))
    fail("the threshold is not above the background", "snr_threshold", "a number above 0",
         fmt::format("{}", options.snr_threshold), "3 is the official value");
  if (!(segmentation.kernel_fwhm > 0) || segmentation.kernel_fwhm > 100)
    fail("the kernel has no sensible width", "kernel_fwhm", "above 0, at most 100 pixels",
         fmt::format("{}", segmentation.kernel_fwhm), "give the FWHM of a point source in pixels of the mosaic");
  if (segmentation.connectivity != 4 && segmentation.connectivity != 8)
    fail("wrong connectivity", "connectivity", "4 or 8", std::to_string(segmentation.connectivity), "8 is usual");
  if (options.aperture_ee[0] >= options.aperture_ee[1] || options.aperture_ee[1] >= options.aperture_ee[2])
    fail("encircled energies do not increase", "aperture_ee1", "aperture_ee1 < aperture_ee2 < aperture_ee3",
         fmt::format("{}, {}, {}", options.aperture_ee[0], options.aperture_ee[1], options.aperture_ee[2]),
         "30, 50, 70 are the official values");
  static_cast<void>(band);
  return options;
}

}  // namespace tessera::steps
