#include "tessera/pipeline/planned_steps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "tessera/config/step_catalogue.hpp"
#include "tessera/steps/level_match/level_match_options.hpp"
#include "tessera/steps/multi_tile_destripe/destripe_options.hpp"
#include "tessera/steps/skymatch/skymatch_options.hpp"
#include "tessera/store/ledger.hpp"

namespace tessera::pipeline {

namespace {

/// Records of the two halves of each exposure, added to the inventory. A subarray has no coronagraph: one half only.
std::vector<int> split_members(store::Inventory& inventory, std::vector<int> const& members) {
  std::vector<int> halves;
  for (int const member : members) {
    auto record = inventory.records[static_cast<std::size_t>(member)];
    bool const full_frame = record.nx == 1032 && record.ny == 1024;
    for (auto const half : {model::Half::Imager, model::Half::Lyot}) {
      if (half == model::Half::Lyot && !full_frame) continue;
      record.identity.half = half;
      halves.push_back(static_cast<int>(inventory.records.size()));
      inventory.records.push_back(record);
    }
  }
  return halves;
}

/// Something that a step needs and that is not there, or options that do not go together.
std::string problem_before(LedgerStep const& step, BandWork const& work) {
  try {
    if (step.name == "skymatch") {
      auto const options = steps::skymatch_options(work.parameters, work.band);
      if (options.method == exchange::SkyMethod::User && !std::filesystem::exists(*options.skylist))
        return fmt::format("{} {}: skymatch: skylist {} is not there", work.target, work.band.name, *options.skylist);
    }
    if (step.name == "level_match") steps::read_level_match_options(work.parameters);
    if (step.name == "multi_tile_destripe") steps::destripe_options(work.parameters);
  } catch (ConfigError const& error) {
    return fmt::format("{} {}: {}", work.target, work.band.name, error.what());
  }
  if (step.name != "apply_wcs_adjust") return "";
  auto const file = work.target_dir / (work.target + "_wcs_adjust.toml");
  if (std::filesystem::exists(file)) return "";
  return fmt::format(
      "{} {}: apply_wcs_adjust needs {}, which is not there: copy it from an earlier run (get_wcs_adjust is not yet "
      "built), or take apply_wcs_adjust out of the steps",
      work.target, work.band.name, file.string());
}

class Planner {
 public:
  Planner(config::Survey const& survey, store::Inventory& inventory, PlannedSteps& plan)
      : survey_(survey), inventory_(inventory), plan_(plan), whole_(plan.members) {}

  void add(LedgerStep const& step, config::StepEntry const& entry) {
    PlannedStep planned;
    planned.step = &step;
    planned.order = ++order_;
    for (std::size_t t = 0; t < survey_.targets.size(); ++t)
      for (std::size_t b = 0; b < survey_.bands.size(); ++b)
        if (entry.runs_on(survey_.bands[b]) && !plan_.members[t][b].empty()) add_band(planned, t, b);
    if (!planned.bands.empty()) plan_.steps.push_back(std::move(planned));
  }

 private:
  void add_band(PlannedStep& planned, std::size_t t, std::size_t b) {
    auto const& step = *planned.step;
    auto& members = plan_.members[t][b];
    BandWork work;
    work.target = survey_.targets[t];
    work.band = survey_.bands[b];
    work.parameters = survey_.resolve(step.listed, work.target, &work.band);
    work.target_dir = survey_.target_dir(work.target);
    work.products = survey_.band_dir(work.target, work.band) / step.listed;
    if (!step.skip_key().empty() && work.parameters.boolean(step.skip_key())) return;
    bool const is_miri = work.band.instrument == config::Instrument::Miri;
    if (step.name.starts_with("lyot") && !is_miri) return;
    if (auto problem = problem_before(step, work); !problem.empty()) plan_.missing.push_back(std::move(problem));
    if (step.name == "lyot_separate") {
      if (masked_.contains({t, b}))
        plan_.missing.push_back(fmt::format("{} {}: lyot_mask and lyot_separate are both listed: take one of them",
                                            work.target, work.band.name));
      members = split_members(inventory_, members);
    }
    if (step.name == "lyot_mask") masked_.insert({t, b});
    work.members = members;
    // Joined again: from here on the exposures are whole.
    if (step.name == "level_match" && is_miri && work.parameters.boolean("recombine_lyot")) members = whole_[t][b];
    work.members_after = members;
    planned.bands.push_back(std::move(work));
  }

  config::Survey const& survey_;
  store::Inventory& inventory_;
  PlannedSteps& plan_;
  std::vector<std::vector<std::vector<int>>> whole_;
  std::set<std::pair<std::size_t, std::size_t>> masked_;
  int order_ = 0;
};

}  // namespace

PlannedSteps plan_steps(config::Survey const& survey, store::Inventory& inventory,
                        std::vector<std::vector<std::vector<int>>> members) {
  PlannedSteps plan;
  for (std::size_t t = 0; t < survey.targets.size(); ++t)
    for (std::size_t b = 0; b < survey.bands.size(); ++b)
      plan.exposures.push_back({survey.targets[t], survey.bands[b].name, members[t][b]});
  plan.members = std::move(members);
  Planner planner(survey, inventory, plan);
  for (auto const& entry : survey.steps)
    for (auto const& step : ledger_steps())
      if (step.listed == entry.step && config::find_step(entry.step)->is_built) planner.add(step, entry);
  return plan;
}

std::vector<int> members_after(std::vector<PlannedStep> const& steps, BandExposures const& exposures, int order) {
  auto members = exposures.members;
  for (auto const& planned : steps)
    for (auto const& work : planned.bands)
      if (planned.order <= order && work.target == exposures.target && work.band.name == exposures.band)
        members = work.members_after;
  return members;
}

std::filesystem::path ledger_file(PlannedStep const& planned, BandWork const& work) {
  return store::ledger_path(work.target_dir / "ledger" / work.band.name, planned.order, planned.step->name);
}

std::vector<std::pair<std::string, std::filesystem::path>> ledger_files(std::vector<PlannedStep> const& steps,
                                                                        std::string const& target,
                                                                        std::string const& band, int before_order) {
  std::vector<std::pair<std::string, std::filesystem::path>> files;
  for (auto const& planned : steps)
    for (auto const& work : planned.bands)
      if (planned.order < before_order && work.target == target && work.band.name == band)
        files.emplace_back(planned.step->name, ledger_file(planned, work));
  return files;
}

}  // namespace tessera::pipeline
