#include "tessera/refs/step_references.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tessera/core/contract.hpp"

namespace tessera::refs {

namespace {

std::vector<StepReferences> make_all() {
  std::vector<StepReferences> all;
  auto const add = [&](char const* pipeline, char const* step, char const* class_name, std::vector<std::string> types,
                       std::vector<std::string> needed = {}) {
    all.push_back({pipeline, step, fmt::format("pars-{}step", class_name), std::move(types), std::move(needed)});
  };
  add("detector1", "group_scale", "groupscale", {});
  add("detector1", "dq_init", "dqinit", {"mask"});
  add("detector1", "emicorr", "emicorr", {"emicorr"});
  add("detector1", "saturation", "saturation", {"saturation"});
  add("detector1", "ipc", "ipc", {"ipc"});
  add("detector1", "superbias", "superbias", {"superbias"});
  add("detector1", "refpix", "refpix", {"refpix"});
  add("detector1", "rscd", "rscd", {"rscd"});
  add("detector1", "firstframe", "firstframe", {});
  add("detector1", "lastframe", "lastframe", {});
  add("detector1", "linearity", "linearity", {"linearity"});
  add("detector1", "dark_current", "darkcurrent", {"dark"});
  add("detector1", "reset", "reset", {"reset"});
  add("detector1", "persistence", "persistence", {"trapdensity", "trappars", "persat"});
  add("detector1", "charge_migration", "chargemigration", {});
  add("detector1", "jump", "jump", {"gain", "readnoise"}, {"gain", "readnoise"});
  add("detector1", "picture_frame", "pictureframe", {});
  add("detector1", "clean_flicker_noise", "cleanflickernoise", {});
  add("detector1", "ramp_fit", "rampfit", {"gain", "readnoise"}, {"gain", "readnoise"});
  add("detector1", "gain_scale", "gainscale", {"gain"});
  add("image2", "bkg_subtract", "background", {});
  add("image2", "assign_wcs", "assignwcs", {"distortion", "filteroffset"}, {"distortion", "miri filteroffset"});
  add("image2", "flat_field", "flatfield", {"flat"});
  add("image2", "photom", "photom", {"photom", "area"});
  add("image3", "tweakreg", "tweakreg", {});
  add("image3", "skymatch", "skymatch", {});
  add("image3", "outlier_detection", "outlierdetection", {});
  add("image3", "resample", "resample", {});
  add("image3", "source_catalog", "sourcecatalog", {"apcorr", "abvegaoffset"});
  return all;
}

}  // namespace

std::span<StepReferences const> all_step_references() {
  static std::vector<StepReferences> const all = make_all();
  return all;
}

std::vector<StepReferences> pipeline_references(std::string_view pipeline) {
  std::vector<StepReferences> steps;
  for (auto const& step : all_step_references())
    if (step.pipeline == pipeline) steps.push_back(step);
  TESSERA_EXPECT(!steps.empty());
  return steps;
}

std::string pipeline_parameter_type(std::string_view pipeline) { return fmt::format("pars-{}pipeline", pipeline); }

bool is_needed(StepReferences const& step, std::string_view type, std::string_view instrument) {
  return std::any_of(step.needed.begin(), step.needed.end(), [&](std::string const& needed) {
    return needed == type || needed == fmt::format("{} {}", instrument, type);
  });
}

}  // namespace tessera::refs
