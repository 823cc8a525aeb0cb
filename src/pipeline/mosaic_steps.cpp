#include "tessera/pipeline/mosaic_steps.hpp"

#include <algorithm>
#include <chrono>

#include "tessera/config/product_names.hpp"
#include "tessera/config/step_catalogue.hpp"
#include "tessera/core/log.hpp"
#include "tessera/io/checksum.hpp"
#include "tessera/pipeline/run_ledger_steps.hpp"
#include "tessera/steps/astrometric_catalog/astrometric_catalog_step.hpp"
#include "tessera/steps/source_catalog/source_catalog_options.hpp"
#include "tessera/steps/source_catalog/source_catalog_step.hpp"

namespace tessera::pipeline {

namespace {

namespace fs = std::filesystem;

/// What rank 0 finds on the disk, the same on all ranks.
enum class State : char { NoMosaic = 'n', UpToDate = 'u', ToDo = 't' };

/// What the files are that a product is made from: the mosaic, and the reference files together ("": none).
struct InputStates {
  std::string mosaic, references;
};

/// As this rank sees the disk.
InputStates look_at_inputs(MosaicWork const& work) {
  InputStates states{product_state(work.task.mosaic), ""};
  if (work.step->name != "source_catalog") return states;
  auto const options = steps::source_catalog_options(work.task.parameters, work.task.band_facts);
  for (auto const& path : {options.apcorr, options.abvegaoffset})
    if (!path.empty() && fs::exists(path)) states.references += io::sha256_of_file(path);
  return states;
}

store::Manifest manifest_of(MosaicWork const& work, InputStates const& states) {
  store::Manifest manifest;
  manifest.product = work.task.product.filename().string();
  manifest.step = work.step->name;
  manifest.algorithm = work.step->algorithm;
  manifest.parameters = work.task.parameters.json_of(work.step->parameters);
  manifest.inputs.emplace_back("mosaic", states.mosaic);
  if (!states.references.empty()) manifest.inputs.emplace_back("references", states.references);
  return manifest;
}

/// Fills in the manifest. Collective.
State look(steps::StepContext const& context, MosaicWork const& work, steps::MosaicTask& task) {
  InputStates states;
  parallel::all_or_none(context.world, [&] {
    if (context.world.is_root()) states = look_at_inputs(work);
  });
  states.mosaic = context.world.broadcast(states.mosaic);
  states.references = context.world.broadcast(states.references);
  task.manifest = manifest_of(work, states);  // any rank may write it
  State state = State::NoMosaic;
  parallel::all_or_none(context.world, [&] {
    if (!context.world.is_root() || !fs::exists(task.mosaic)) return;
    auto const before = store::read_manifest(task.product);
    bool const done = before && fs::exists(task.product) && before->key() == task.manifest.key();
    state = done ? State::UpToDate : State::ToDo;
  });
  return static_cast<State>(context.world.broadcast(std::string(1, static_cast<char>(state))).front());
}

}  // namespace

std::span<MosaicStep const> mosaic_steps() {
  static std::vector<MosaicStep> const steps{{"source_catalog",
                                              "lv3",
                                              steps::SourceCatalogAlgorithm,
                                              {"jwst_parameters.source_catalog."},
                                              "_cat.ecsv",
                                              steps::run_source_catalog},
                                             {"astrometric_catalog",
                                              "astrometric_catalog",
                                              steps::AstrometricCatalogAlgorithm,
                                              {""},
                                              "_astro_cat.fits",
                                              steps::run_astrometric_catalog}};
  return steps;
}

bool takes_mosaics(std::string_view listed) {
  auto const steps = mosaic_steps();
  return std::any_of(steps.begin(), steps.end(), [&](MosaicStep const& step) { return step.listed == listed; });
}

std::vector<MosaicWork> plan_mosaic_steps(config::Survey const& survey) {
  std::vector<MosaicWork> works;
  for (auto const& step : mosaic_steps())
    for (auto const& entry : survey.steps) {
      if (entry.step != step.listed || !entry.is_built()) continue;
      for (auto const& target : survey.targets)
        for (auto const& band : survey.bands) {
          if (!entry.runs_on(band)) continue;
          MosaicWork work{&step, false, {}};
          auto& task = work.task;
          task.parameters = survey.resolve(step.listed, target, &band);
          auto const skip = "jwst_parameters." + step.name + ".skip";
          if (step.listed != step.name && task.parameters.boolean(skip)) continue;
          task.target = target;
          task.band = band.name;
          task.band_facts = band;
          task.step = step.name;
          task.root = survey.band_dir(target, band) / "lv3" / config::mosaic_name(target, band);
          task.mosaic = fs::path(task.root) += "_i2d.fits";
          task.product = fs::path(task.root) += step.product_end;
          works.push_back(work);
          if (step.name != "astrometric_catalog" || !survey.lists("astrometric_align")) continue;
          work.of_aligned = true;
          task.mosaic = fs::path(task.root) += "_i2d_align.fits";
          task.root += "_align";
          task.product = fs::path(task.root) += step.product_end;
          works.push_back(std::move(work));
        }
    }
  return works;
}

store::Manifest mosaic_manifest(MosaicWork const& work) { return manifest_of(work, look_at_inputs(work)); }

MosaicStepsRun run_mosaic_steps(steps::StepContext& context, std::vector<MosaicWork> const& works, bool of_aligned,
                                std::set<std::pair<std::string, std::string>> const& without) {
  MosaicStepsRun run;
  for (auto const& step : mosaic_steps()) {
    auto const begin = std::chrono::steady_clock::now();
    std::vector<steps::MosaicTask> tasks;
    for (auto const& work : works) {
      if (work.step != &step || work.of_aligned != of_aligned || without.contains({work.task.target, work.task.band}))
        continue;
      auto task = work.task;
      auto const state = look(context, work, task);
      if (state == State::NoMosaic) log::warn("{} of {}: there is no mosaic", step.name, task.label());
      if (state == State::UpToDate) {
        log::info("{} of {} is up to date", step.name, task.label());
        ++run.made;
      }
      if (state == State::ToDo) tasks.push_back(std::move(task));
    }
    if (tasks.empty()) continue;
    log::info("{}: {} mosaic{}", step.name, tasks.size(), tasks.size() == 1 ? "" : "s");
    auto const outcome = step.run(context, tasks);
    double const wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    run.timing.push_back(
        gather_timing(context.world, step.name + (of_aligned ? " (aligned)" : ""), wall_s, outcome.counts));
    run.failures.insert(run.failures.end(), outcome.failures.begin(), outcome.failures.end());
    run.made += tasks.size() - std::min(tasks.size(), outcome.failures.size());
    bool const stops = !outcome.failures.empty() && context.stop_on_error;
    run.stopped = context.world.max(std::int64_t{outcome.stopped || stops}) > 0;
    if (run.stopped) break;
  }
  return run;
}

}  // namespace tessera::pipeline
