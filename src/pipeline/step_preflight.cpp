#include "step_preflight.hpp"

#include <fmt/format.h>

#include "tessera/pipeline/mosaic_steps.hpp"
#include "tessera/steps/astrometric_align/astrometric_align_options.hpp"
#include "tessera/steps/astrometric_catalog/astrometric_catalog_options.hpp"
#include "tessera/steps/get_wcs_adjust/get_wcs_adjust_options.hpp"
#include "tessera/steps/level_match/level_match_options.hpp"
#include "tessera/steps/multi_tile_destripe/destripe_options.hpp"
#include "tessera/steps/single_tile_destripe/single_tile_options.hpp"
#include "tessera/steps/skymatch/skymatch_options.hpp"
#include "tessera/steps/source_catalog/source_catalog_options.hpp"
#include "tessera/steps/tweakreg/tweakreg_options.hpp"

namespace tessera::pipeline {

namespace {

namespace fs = std::filesystem;

/// Throws where options or files are wrong.
void check_options(LedgerStep const& step, BandWork const& work) {
  auto const& parameters = work.parameters;
  if (step.name == "skymatch") {
    auto const options = steps::skymatch_options(parameters, work.band);
    if (options.method == exchange::SkyMethod::User && !fs::exists(*options.skylist))
      throw InputError({"the list of sky levels is not there", *options.skylist, "", "", "correct skymatch.skylist"});
  }
  if (step.name == "level_match") steps::read_level_match_options(parameters);
  if (step.name == "single_tile_destripe") steps::single_tile_options(parameters);
  if (step.name == "multi_tile_destripe") steps::destripe_options(parameters);
  if (step.name == "tweakreg")
    steps::tweakreg_files(steps::tweakreg_options(parameters, work.band), work.target, work.alignment_dir);
  if (step.name == "get_wcs_adjust") {
    steps::get_wcs_adjust_options(parameters, work.band);
    steps::get_wcs_adjust_files(parameters, work.band, work.alignment_dir);
  }
  if (step.name == "astrometric_align") steps::astrometric_align_options(parameters, work.target, work.band.name);
}

}  // namespace

std::string problem_before(LedgerStep const& step, BandWork const& work, bool has_shifts) {
  try {
    check_options(step, work);
  } catch (Error const& error) {
    return fmt::format("{} {}: {}: {}", work.target, work.band.name, step.name, error.what());
  }
  if (step.name != "apply_wcs_adjust") return "";
  auto const file = work.target_dir / (work.target + "_wcs_adjust.toml");
  if (has_shifts || fs::exists(file)) return "";
  return fmt::format(
      "{} {}: apply_wcs_adjust needs {}, which is not there: list get_wcs_adjust before it, copy the file from an "
      "earlier run, or take apply_wcs_adjust out of the steps",
      work.target, work.band.name, file.string());
}

std::vector<fs::path> catalogues_of(LedgerStep const& step, BandWork const& work) {
  try {
    if (step.name == "tweakreg")
      return steps::tweakreg_files(steps::tweakreg_options(work.parameters, work.band), work.target,
                                   work.alignment_dir);
    std::string name;
    if (step.name == "get_wcs_adjust")
      return steps::get_wcs_adjust_files(work.parameters, work.band, work.alignment_dir);
    if (step.name == "astrometric_align")
      name = steps::astrometric_align_options(work.parameters, work.target, work.band.name).catalogue.value_or("");
    if (!name.empty()) return {work.alignment_dir / name};
  } catch (Error const&) {  // said by problem_before
  }
  return {};
}

std::string problem_before(steps::MosaicTask const& task) {
  try {
    if (task.step == "source_catalog") steps::source_catalog_options(task.parameters, task.band_facts);
    if (task.step == "astrometric_catalog") steps::astrometric_catalog_options(task.parameters, task.band_facts);
  } catch (Error const& error) {
    return fmt::format("{}: {}: {}", task.label(), task.step, error.what());
  }
  return "";
}

}  // namespace tessera::pipeline
