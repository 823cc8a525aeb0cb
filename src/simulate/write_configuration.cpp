#include "write_configuration.hpp"

#include <fmt/format.h>

#include "crds_cache.hpp"
#include "tessera/io/durable_file.hpp"
#include "tessera/io/fits_write.hpp"

namespace tessera::simulate {
namespace {

/// A TOML basic string.
std::string quote(std::string const& text) {
  std::string quoted = "\"";
  for (char const letter : text) {
    if (letter == '"' || letter == '\\') quoted += '\\';
    quoted += letter;
  }
  return quoted + "\"";
}

std::string list(std::vector<std::string> const& texts) {
  std::string joined = "[";
  for (std::size_t k = 0; k < texts.size(); ++k) joined += (k ? ", " : "") + quote(texts[k]);
  return joined + "]";
}

/// MIRI bands are matched to the stars of the last NIRCam band, where there is one: it has more of them.
std::string match_miri_to_nircam(std::vector<Band> const& bands) {
  std::string reference, matched;
  for (Band const& band : bands)
    if (!band.is_miri()) reference = band.name;
  for (Band const& band : bands)
    if (band.is_miri() && !reference.empty())
      matched += (matched.empty() ? "" : ", ") + band.name + " = " + quote(reference);
  return matched.empty() ? "" : "ref_long_filter = { " + matched + " }\n";
}

/// The catalogue that is written beside each target.
std::string catalogues(std::vector<std::string> const& targets) {
  std::string joined;
  for (auto const& target : targets)
    joined += (joined.empty() ? "" : ", ") + quote(target) + " = " + quote(target + "_stars.fits");
  return "{ " + joined + " }";
}

/// Destriping and level 2 as PHANGS has them.
std::string rate_parameters(SimulationSettings const& settings) {
  std::string scales = "3, 7, 15, 31, 63";
  for (int scale = 127; scale <= 511 && scale < settings.detectors.nircam_size; scale = 2 * scale + 1)
    scales += ", " + std::to_string(scale);
  return fmt::format(R"(
[parameters.single_tile_destripe]
quadrants = true
vertical_subtraction = true
destriping_method = "median_filter"
vertical_destriping_method = "row_median"
filter_diffuse = true
dilate_size = 7
filter_scales = [{}]
filter_extend_mode = "reflect"

[parameters.lv2]
bgr_check_type = "parallel_off"
bgr_observation_types = [{}]
jwst_parameters.bkg_subtract.sigma = 1.5
jwst_parameters.bkg_subtract.save_combined_background = true

# Stripes before levels: an overlap cannot tell a level from the mean of the stripes in it.
[parameters.multi_tile_destripe]
destriping_method = "joint"
do_level_match = true
)",
                     scales, settings.off_exposures > 0 ? "\"miri\"" : "");
}

}  // namespace

void write_configuration(std::filesystem::path const& out, SurveyPlan const& plan) {
  std::vector<std::string> targets, bands, science;
  for (auto const& target : plan.settings.targets) targets.push_back(target.name);
  for (Band const& band : plan.bands) science.push_back(band.name);
  bands = science;
  if (plan.settings.off_exposures > 0)
    for (Band const& band : plan.bands)
      if (band.is_miri()) bands.push_back(band.name + "_bgr");
  bool const rates = plan.settings.rates.on;
  std::vector<std::string> steps;
  if (rates) steps = {"single_tile_destripe.nircam", "lv2"};
  for (char const* step : {"get_wcs_adjust", "apply_wcs_adjust"}) steps.emplace_back(step);
  if (plan.settings.detectors.miri_size == 1032) steps.emplace_back("lyot_separate.miri");
  steps.emplace_back(rates ? "multi_tile_destripe.nircam" : "level_match");
  steps.emplace_back(rates ? "level_match" : "multi_tile_destripe.nircam");
  for (char const* step : {"lv3", "astrometric_catalog", "astrometric_align"}) steps.emplace_back(step);
  std::string const config = fmt::format(
      R"(# Made by 'tessera simulate' for the survey beside this file: {}visits aligned, levels matched, NIRCam destriped, one sky
# constant a band, cosmic rays flagged, one mosaic a band; then mosaics and exposures aligned to a catalogue.
targets = {}
version = {}
bands = {}
steps = {}
{}
[parameters.get_wcs_adjust]
bands = {}
method = "global"
group_dithers = ["nircam", "miri"]

[parameters.get_wcs_adjust.tweakreg_parameters]
snr_threshold = 5
brightest = 300
bkg_boxsize = 100
roundhi = 0.4
searchrad = 1.0
separation = 0.5
tolerance = 0.3
minobj = 5

[parameters.level_match]
weight_method = "rms"

[parameters.lv3]
skymatch_group_dithers = ["nircam_short", "nircam_long", "miri"]

[parameters.lv3.jwst_parameters]
# Sources are few and the visits are aligned already: a shift a band, and none for MIRI (as PHANGS has it).
tweakreg.skip.miri = true
tweakreg.bkg_boxsize = 100
tweakreg.snr_threshold = 5
tweakreg.roundhi = 0.4
tweakreg.minobj = 5
tweakreg.tolerance = 0.3
tweakreg.fitgeometry = "shift"
source_catalog.bkg_boxsize = 100
skymatch.skymethod = "global"
skymatch.subtract = true
skymatch.skystat = "median"
skymatch.nclip.nircam = 20
skymatch.nclip.miri = 10
skymatch.lsigma.nircam = 3.0
skymatch.lsigma.miri = 1.5
skymatch.usigma.nircam = 3.0
skymatch.usigma.miri = 1.5
resample.rotation = 0.0

[parameters.astrometric_catalog]
snr = 10
starfind_method = "iraf"
starfind_parameters.roundlo = 0.0
starfind_parameters.roundhi = 0.4
starfind_parameters.sharplo = 0.5
starfind_parameters.sharphi = 2.0

[parameters.astrometric_align]
catalogs = {}
{}
[parameters.astrometric_align.tweakreg_parameters.iteration1]
searchrad = 15
separation = 1
tolerance = 2
use2dhist = true
fitgeom = "shift"
nclip = 5

[parameters.astrometric_align.tweakreg_parameters.iteration2]
searchrad = 2
separation = 1
tolerance = 0.5
use2dhist = false
fitgeom = "rshift"
nclip = 5
)",
      rates ? "count rates destriped and calibrated,\n# " : "", list(targets), quote(plan.settings.version),
      list(bands), list(steps), rates ? rate_parameters(plan.settings) : "", list(science), catalogues(targets),
      match_miri_to_nircam(plan.bands));
  auto const absolute = std::filesystem::absolute(out).lexically_normal();
  std::string const local = fmt::format(
      R"(# Where the simulated survey lies and where its products go.
raw_dir = {}
reprocess_dir = {}
alignment_dir = {}
{})",
      quote((absolute / "raw").string()), quote((absolute / "reprocessed").string()),
      quote((absolute / "alignment").string()),
      rates
          ? fmt::format("crds_path = {}\ncrds_context = {}\n", quote((absolute / "crds").string()), quote(CrdsContext))
          : "");
  io::write_file(out / "config.toml", config);
  io::write_file(out / "local.toml", local);
}

}  // namespace tessera::simulate
