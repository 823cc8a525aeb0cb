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
  std::string const config = fmt::format(
      R"(# Made by 'tessera simulate' for the survey beside this file: a mosaic a band from exposures as they are.
# Other steps for these data: get_wcs_adjust, apply_wcs_adjust, lyot_separate.miri, level_match,
# multi_tile_destripe.nircam.
targets = {}
version = {}
bands = {}
steps = ["lv3"]

[parameters.lv3.jwst_parameters]
tweakreg.skip = true
skymatch.skip = true
outlier_detection.skip = true
source_catalog.skip = true
resample.rotation = 0.0
)",
      list(targets), quote(plan.settings.version), list(bands));
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
