#include "write_configuration.hpp"

#include <fmt/format.h>

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

}  // namespace

void write_configuration(std::filesystem::path const& out, SurveyPlan const& plan) {
  std::vector<std::string> targets, bands;
  for (auto const& target : plan.settings.targets) targets.push_back(target.name);
  for (Band const& band : plan.bands) bands.push_back(band.name);
  if (plan.settings.off_exposures > 0)
    for (Band const& band : plan.bands)
      if (band.is_miri()) bands.push_back(band.name + "_bgr");
  std::vector<std::string> steps{"level_match", "multi_tile_destripe.nircam", "lv3"};
  if (plan.settings.detectors.miri_size == 1032) steps.insert(steps.begin(), "lyot_separate.miri");
  std::string const config = fmt::format(
      R"(# Made by 'tessera simulate' for the survey beside this file: levels matched, NIRCam destriped, one sky constant a
# band, cosmic rays flagged, one mosaic a band.
targets = {}
version = {}
bands = {}
steps = {}

[parameters.level_match]
weight_method = "rms"

[parameters.lv3]
skymatch_group_dithers = ["nircam_short", "nircam_long", "miri"]

[parameters.lv3.jwst_parameters]
tweakreg.skip = true
source_catalog.skip = true
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
)",
      list(targets), quote(plan.settings.version), list(bands), list(steps));
  auto const absolute = std::filesystem::absolute(out).lexically_normal();
  std::string const local = fmt::format(
      R"(# Where the simulated survey lies and where its products go.
raw_dir = {}
reprocess_dir = {}
alignment_dir = {}
)",
      quote((absolute / "raw").string()), quote((absolute / "reprocessed").string()),
      quote((absolute / "alignment").string()));
  io::write_file(out / "config.toml", config);
  io::write_file(out / "local.toml", local);
}

}  // namespace tessera::simulate
