#include "tessera/config/step_folders.hpp"

#include <algorithm>

#include "tessera/config/step_catalogue.hpp"

namespace tessera::config {

namespace {

bool works_in_lv3(std::string_view step) { return step == "astrometric_catalog" || step == "astrometric_align"; }

bool always_reads_lv3(std::string_view step) {
  return works_in_lv3(step) || step == "psf_matching" || step == "mosaic_individual_fields";
}

bool is_listed(std::span<StepEntry const> steps, std::string_view name) {
  return std::any_of(steps.begin(), steps.end(), [&](StepEntry const& entry) { return entry.step == name; });
}

std::string extension_of(std::string_view step, std::string_view input_folder, std::span<StepEntry const> steps) {
  if (step == "lv1") return "uncal";
  if (step == "lv2") return "rate";
  if (step == "single_tile_destripe") return input_folder == "lv1" ? "rate" : "cal";
  if (works_in_lv3(step)) return "i2d";
  if (step == "mosaic_individual_fields") return "crf_tweakback";
  if (step == "psf_matching") {
    if (is_listed(steps, "anchoring")) return "i2d_anchor";
    return is_listed(steps, "astrometric_align") ? "i2d_align" : "i2d";
  }
  return "cal";
}

std::string first_input_folder(std::string_view step) {
  if (step == "lv1") return "uncal";
  if (step == "lv2") return "lv1";
  return always_reads_lv3(step) ? "lv3" : "cal";
}

}  // namespace

std::vector<StepFolders> chain_step_folders(std::span<StepEntry const> steps, Band const& band) {
  std::vector<StepFolders> chain;
  std::string previous;
  for (auto const& entry : steps) {
    auto const* step = find_step(entry.step);
    // astrometric_align is a combined step that works in the folders of its bands.
    bool const has_folders = step && (step->step_class == StepClass::PerBand || works_in_lv3(entry.step));
    if (!has_folders) continue;
    if (step->step_class == StepClass::PerBand && !entry.runs_on(band)) continue;
    StepFolders folders;
    folders.step = entry.step;
    folders.takes_raw = chain.empty();
    folders.input_folder = previous.empty() || always_reads_lv3(entry.step) ? first_input_folder(entry.step) : previous;
    folders.output_folder = works_in_lv3(entry.step) ? "lv3" : entry.step;
    folders.input_extension = extension_of(entry.step, folders.input_folder, steps);
    // Steps on mosaics leave the chain of exposures as it is.
    if (!always_reads_lv3(entry.step)) previous = folders.output_folder;
    chain.push_back(std::move(folders));
  }
  return chain;
}

}  // namespace tessera::config
