#include "tessera/pipeline/planned_steps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "step_preflight.hpp"
#include "tessera/config/product_names.hpp"
#include "tessera/config/step_catalogue.hpp"
#include "tessera/core/nearest_name.hpp"
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
        if (entry.runs_on(survey_.bands[b]) && works_on(step, t, b) && !plan_.members[t][b].empty())
          add_band(planned, t, b);
    if (step.after_mosaics && !has_mosaics_)
      plan_.missing.push_back(step.name + ": lv3 must be listed before it: the mosaics are measured with the " +
                              "corrections of the steps that are configured");
    has_mosaics_ = has_mosaics_ || step.listed == "lv3";
    if (step.name == "get_wcs_adjust") {
      refuse_unknown_bands();
      for (auto const& work : planned.bands) adjusted_.insert(work.target);
    }
    if (!planned.bands.empty()) plan_.steps.push_back(std::move(planned));
  }

 private:
  /// get_wcs_adjust measures in the bands of its own list alone.
  bool works_on(LedgerStep const& step, std::size_t t, std::size_t b) const {
    if (step.name != "get_wcs_adjust") return true;
    auto const bands = survey_.resolve(step.name, survey_.targets[t]).texts("bands");
    return std::find(bands.begin(), bands.end(), survey_.bands[b].name) != bands.end();
  }

  void refuse_unknown_bands() {
    std::vector<std::string> names;
    for (auto const& band : survey_.bands) names.push_back(band.name);
    std::set<std::string> unknown;
    for (auto const& target : survey_.targets)
      for (auto const& band : survey_.resolve("get_wcs_adjust", target).texts("bands"))
        if (std::find(names.begin(), names.end(), band) == names.end()) unknown.insert(band);
    for (auto const& band : unknown)
      plan_.missing.push_back(Problem{"a band that is not among the bands of the survey",
                                      "parameters.get_wcs_adjust.bands", "", "'" + band + "'",
                                      suggest_name(band, names)}
                                  .line());
  }

  void add_band(PlannedStep& planned, std::size_t t, std::size_t b) {
    auto const& step = *planned.step;
    auto& members = plan_.members[t][b];
    BandWork work;
    work.target = survey_.targets[t];
    work.band = survey_.bands[b];
    work.parameters = survey_.resolve(step.listed, work.target, &work.band);
    work.target_dir = survey_.target_dir(work.target);
    auto const lv3 = survey_.band_dir(work.target, work.band) / "lv3";
    work.products = step.after_mosaics ? lv3 : survey_.band_dir(work.target, work.band) / step.listed;
    work.alignment_dir = survey_.local.alignment_dir;
    auto const product = config::mosaic_name(work.target, work.band);
    work.mosaic = lv3 / (product + "_i2d.fits");
    if (survey_.lists("astrometric_catalog")) work.stars_of.push_back(lv3 / (product + "_astro_cat.fits"));
    work.stars_of.push_back(lv3 / (product + "_cat.ecsv"));
    if (!step.skip_key().empty() && work.parameters.boolean(step.skip_key())) return;
    bool const is_miri = work.band.instrument == config::Instrument::Miri;
    if (step.name.starts_with("lyot") && !is_miri) return;
    work.catalogues = catalogues_of(step, work);
    if (auto problem = problem_before(step, work, adjusted_.contains(work.target)); !problem.empty())
      plan_.missing.push_back(std::move(problem));
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
  std::set<std::string> adjusted_;  ///< targets whose file of shifts get_wcs_adjust writes
  int order_ = 0;
  bool has_mosaics_ = false;  ///< lv3 is among the entries so far
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
      if (step.listed == entry.step && entry.is_built() && takes_calibrated(entry)) planner.add(step, entry);
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
  if (planned.step->name == "get_wcs_adjust")
    return work.target_dir / "get_wcs_adjust" / (work.band.name + "_wcs_adjust.toml");
  return store::ledger_path(work.target_dir / "ledger" / work.band.name, planned.order, planned.step->name);
}

std::vector<std::pair<std::string, std::filesystem::path>> ledger_files(std::vector<PlannedStep> const& steps,
                                                                        std::string const& target,
                                                                        std::string const& band, int before_order) {
  std::vector<std::pair<std::string, std::filesystem::path>> files;
  for (auto const& planned : steps)
    for (auto const& work : planned.bands)
      if (planned.order < before_order && work.target == target && work.band.name == band &&
          planned.step->name != "get_wcs_adjust")
        files.emplace_back(planned.step->name, ledger_file(planned, work));
  return files;
}

}  // namespace tessera::pipeline
