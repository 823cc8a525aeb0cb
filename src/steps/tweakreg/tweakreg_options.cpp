#include "tessera/steps/tweakreg/tweakreg_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "../custom_catalogues.hpp"
#include "tessera/core/error.hpp"

namespace tessera::steps {

namespace {

/// Values of one table, with errors that name the key.
class Table {
 public:
  Table(config::ResolvedParameters const& parameters, std::string const& prefix)
      : parameters_(parameters), prefix_(prefix) {}

  bool flag(std::string const& key) const { return parameters_.boolean(prefix_ + key); }
  std::string text(std::string const& key) const { return parameters_.optional_text(prefix_ + key).value_or(""); }
  int integer(std::string const& key) const {
    return static_cast<int>(std::min<std::int64_t>(parameters_.integer(prefix_ + key), 1000000000));
  }
  double real(std::string const& key) const { return parameters_.real(prefix_ + key); }
  std::optional<double> optional_real(std::string const& key) const { return parameters_.optional_real(prefix_ + key); }
  std::vector<double> numbers(std::string const& key) const { return parameters_.numbers(prefix_ + key); }
  bool is_given(std::string const& key) const { return !parameters_.is_default(prefix_ + key); }

  double positive(std::string const& key) const {
    double const value = real(key);
    if (!(value > 0) || !std::isfinite(value)) refuse(key, "a number above 0", fmt::format("{}", value));
    return value;
  }
  double not_negative(std::string const& key) const {
    double const value = real(key);
    if (!(value >= 0) || !std::isfinite(value)) refuse(key, "0 or more", fmt::format("{}", value));
    return value;
  }
  [[noreturn]] void refuse(std::string const& key, std::string const& expected, std::string const& found) const {
    throw ConfigError({"tweakreg cannot work with this", "parameters." + parameters_.step + "." + prefix_ + key,
                       expected, found, ""});
  }

 private:
  config::ResolvedParameters const& parameters_;
  std::string const& prefix_;
};

exchange::StarFinderName parse_finder(std::string const& name) {
  return name == "dao"            ? exchange::StarFinderName::Dao
         : name == "segmentation" ? exchange::StarFinderName::Segmentation
                                  : exchange::StarFinderName::Iraf;
}

kernels::LevelSpacing parse_spacing(std::string const& name) {
  return name == "linear" ? kernels::LevelSpacing::Linear
         : name == "sinh" ? kernels::LevelSpacing::Sinh
                          : kernels::LevelSpacing::Exponential;
}

exchange::ExposureStarOptions read_finder(Table const& table, config::Band const& band) {
  constexpr double OfficialFwhm = 2.5;  // where neither the user nor the band says anything
  exchange::ExposureStarOptions options;
  options.starfinder = parse_finder(table.text("starfinder"));
  options.snr_threshold = table.not_negative("snr_threshold");
  options.bkg_boxsize = table.integer("bkg_boxsize");
  options.minsep_fwhm = table.not_negative("minsep_fwhm");
  auto& finder = options.finder;
  finder.fwhm = table.optional_real("kernel_fwhm").value_or(band.fwhm_pixel > 0 ? band.fwhm_pixel : OfficialFwhm);
  if (!(finder.fwhm > 0) || finder.fwhm > 1000)
    table.refuse("kernel_fwhm", "pixels, above 0", fmt::format("{}", finder.fwhm));
  finder.sigma_radius = table.positive("sigma_radius");
  finder.sharplo = table.real("sharplo");
  finder.sharphi = table.real("sharphi");
  finder.roundlo = table.real("roundlo");
  finder.roundhi = table.real("roundhi");
  if (finder.sharplo > finder.sharphi)
    table.refuse("sharplo", fmt::format("at most sharphi = {}", finder.sharphi), fmt::format("{}", finder.sharplo));
  if (finder.roundlo > finder.roundhi)
    table.refuse("roundlo", fmt::format("at most roundhi = {}", finder.roundhi), fmt::format("{}", finder.roundlo));
  finder.peakmax = table.optional_real("peakmax");
  finder.brightest = table.integer("brightest");
  auto& segments = options.segmentation;
  segments.kernel_fwhm = finder.fwhm;
  segments.npixels = table.integer("npixels");
  segments.connectivity = table.integer("connectivity");
  if (segments.connectivity != 4 && segments.connectivity != 8)
    table.refuse("connectivity", "4 or 8", fmt::format("{}", segments.connectivity));
  segments.nlevels = table.integer("nlevels");
  segments.contrast = table.real("contrast");
  segments.multithresh_mode = parse_spacing(table.text("multithresh_mode"));
  segments.deblend = table.flag("deblend");
  return options;
}

/// The parameters of a stage, with `prefix` "" or "abs_".
exchange::StageOptions read_stage(Table const& table, std::string const& prefix) {
  exchange::StageOptions stage;
  stage.minobj = table.integer(prefix + "minobj");
  stage.searchrad = table.positive(prefix + "searchrad");
  stage.use2dhist = table.flag(prefix + "use2dhist");
  stage.separation = table.not_negative(prefix + "separation");
  stage.tolerance = table.positive(prefix + "tolerance");
  stage.fitgeometry = kernels::parse_fit_geometry(table.text(prefix + "fitgeometry"));
  stage.nclip = table.integer(prefix + "nclip");
  stage.sigma = table.not_negative(prefix + "sigma");
  return stage;
}

exchange::GlobalAlignmentOptions read_global(Table const& table) {
  exchange::GlobalAlignmentOptions options;
  options.with_rotation = table.text("fitgeometry") != "shift";
  options.with_detector_offsets = table.flag("global_detector_offsets");
  options.searchrad = table.positive("searchrad");
  options.tolerances = table.numbers("global_tolerances");
  bool const is_usable = std::all_of(options.tolerances.begin(), options.tolerances.end(),
                                     [](double radius) { return radius > 0 && std::isfinite(radius); });
  if (options.tolerances.empty() || !is_usable)
    table.refuse("global_tolerances", "one or more radii above 0 arcsec", "others");
  // The official defaults are for matching one list to another; the global solution has its own.
  if (table.is_given("separation")) options.separation = table.not_negative("separation");
  if (table.is_given("minobj")) options.minobj = table.integer("minobj");
  return options;
}

/// True when the list names the class of the band: nircam_short, nircam_long, miri, niriss.
bool names_class(std::vector<std::string> const& classes, config::Band const& band) {
  std::string const own = band.channel_name().empty() ? config::instrument_name(band.instrument) : band.channel_name();
  return std::find(classes.begin(), classes.end(), own) != classes.end();
}

}  // namespace

TweakregStepOptions read_tweakreg_table(config::ResolvedParameters const& parameters, std::string const& prefix,
                                        config::Band const& band) {
  Table const table(parameters, prefix);
  TweakregStepOptions options;
  options.method =
      table.text("method") == "global" ? TweakregStepOptions::Method::Global : TweakregStepOptions::Method::Sequential;
  options.align.enforce_user_order = table.flag("enforce_user_order");
  options.align.expand_refcat = table.flag("expand_refcat");
  options.align.relative = read_stage(table, "");
  options.align.relative.xoffset = table.real("xoffset");
  options.align.relative.yoffset = table.real("yoffset");
  options.align.absolute = read_stage(table, "abs_");
  options.align.absolute_by_group = table.flag("abs_by_group");
  options.global = read_global(table);
  options.catalogue_error = options.align.catalogue_error = table.positive("abs_error");
  options.stars.finder = read_finder(table, band);
  options.stars.epsf = table.text("centroid") == "epsf";
  options.stars.use_custom_catalogs = table.flag("use_custom_catalogs");
  options.stars.catfile = table.text("catfile");
  options.stars.save = table.flag("save_catalogs");
  options.stars.format = table.text("catalog_format");
  options.abs_refcat = table.text("abs_refcat");
  options.save_abs_catalog = table.flag("save_abs_catalog");
  return options;
}

TweakregStepOptions tweakreg_options(config::ResolvedParameters const& p, config::Band const& band) {
  auto options = read_tweakreg_table(p, "jwst_parameters.tweakreg.", band);
  using Dithers = AlignGrouping::Dithers;
  // pjpipe asks for the first list first (spec 40, 1.12).
  if (names_class(p.texts("tweakreg_group_dithers"), band))
    options.grouping.dithers = Dithers::Together;
  else if (names_class(p.texts("tweakreg_degroup_dithers"), band))
    options.grouping.dithers = Dithers::Alone;
  bool const is_nircam = band.instrument == config::Instrument::Nircam;
  options.grouping.by_module = is_nircam && p.boolean("tweakreg_degroup_nircam_modules");
  options.grouping.by_chip =
      is_nircam && band.channel == config::Channel::Short && p.boolean("tweakreg_degroup_nircam_short_chips");
  return options;
}

std::optional<std::filesystem::path> absolute_catalogue(TweakregStepOptions const& options, std::string const& target,
                                                        std::filesystem::path const& alignment_dir) {
  if (options.abs_refcat.empty()) return std::nullopt;
  std::filesystem::path const named = options.abs_refcat;
  std::vector<std::filesystem::path> places{named};
  if (named.is_relative() && !alignment_dir.empty()) places.push_back(alignment_dir / named);
  for (auto const& place : places)
    if (std::filesystem::is_regular_file(place)) return place;
  std::string name = options.abs_refcat;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
  bool const is_service = name == "GAIAREFCAT" || name == "GAIADR3" || name == "GAIADR2" || name == "GAIADR1";
  if (!is_service)
    throw InputError(
        {"the catalogue of the absolute stage is not there", "abs_refcat = " + options.abs_refcat,
         "a table with columns ra and dec, or GAIADR3", "no such file",
         alignment_dir.empty() ? "give its path" : "give its path, or put it into " + alignment_dir.string()});
  auto const local = alignment_dir / ("Gaia_DR3_" + target + ".fits");
  if (!alignment_dir.empty() && std::filesystem::is_regular_file(local)) return local;
  throw InputError(
      {"no local copy of the Gaia catalogue", "abs_refcat = " + options.abs_refcat,
       "Gaia_DR3_" + target + ".fits in alignment_dir: tessera goes to no network",
       alignment_dir.empty() ? "no alignment_dir in local.toml" : "no such file in " + alignment_dir.string(),
       "make a table with columns ra, dec (and ref_epoch, pmra, pmdec) of the field and put it there"});
}

std::vector<std::filesystem::path> tweakreg_files(TweakregStepOptions const& options, std::string const& target,
                                                  std::filesystem::path const& alignment_dir) {
  std::vector<std::filesystem::path> files;
  if (auto const catalogue = absolute_catalogue(options, target, alignment_dir)) files.push_back(*catalogue);
  if (options.stars.use_custom_catalogs && !options.stars.catfile.empty()) {
    auto const custom = read_catfile(find_catfile(options.stars.catfile, alignment_dir));
    files.push_back(custom.catfile);
    for (auto const& [image, catalogue] : custom.of_image)
      if (!catalogue.empty()) files.push_back(catalogue);
  }
  return files;
}

}  // namespace tessera::steps
