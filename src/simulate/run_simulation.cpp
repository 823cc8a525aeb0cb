#include "tessera/simulate/run_simulation.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>

#include "crds_cache.hpp"
#include "tessera/core/byte_size.hpp"
#include "tessera/core/log.hpp"
#include "tessera/io/durable_file.hpp"
#include "tessera/io/fits_write.hpp"
#include "tessera/parallel/control.hpp"
#include "tessera/parallel/memory_budget.hpp"
#include "tessera/parallel/pool.hpp"
#include "tessera/simulate/random.hpp"
#include "write_configuration.hpp"
#include "write_exposure.hpp"

namespace tessera::simulate {
namespace {

/// What a rank has done: lines of truth by exposure.
struct Share {
  std::vector<std::pair<std::size_t, std::string>> lines;
  std::int64_t pixels = 0, bytes = 0;
};

Share simulate_share(SurveyPlan const& plan, std::vector<int> const& owner, int rank,
                     std::filesystem::path const& out) {
  Share share;
  std::unique_ptr<Scene> scene;  // of one target at a time: exposures come target by target
  std::size_t scene_target = 0, done = 0;
  auto const mine = static_cast<std::size_t>(std::count(owner.begin(), owner.end(), rank));
  for (PlannedExposure const& planned : plan.exposures) {
    if (owner[planned.index] != rank) continue;
    if (!scene || scene_target != planned.target) {
      scene = std::make_unique<Scene>(plan.settings, planned.target);
      scene_target = planned.target;
    }
    SimulatedExposure const exposure = make_exposure(plan, *scene, planned);
    auto const path = out / plan.relative_path(planned);
    write_exposure(path, plan, planned, exposure);
    if (plan.settings.truth_planes)
      write_truth_planes(out / "truth" / "planes" / (planned.root + "_truth.fits"), exposure);
    share.lines.emplace_back(planned.index, describe_truth(plan, planned, exposure));
    share.pixels += static_cast<std::int64_t>(exposure.sci.size());
    share.bytes += static_cast<std::int64_t>(std::filesystem::file_size(path));
    log::progress_line(fmt::format("simulate: {} of {} exposures of this rank", ++done, mine));
  }
  return share;
}

/// All lines in the order of the plan, on root.
std::string gather_truth(parallel::Communicator const& communicator, Share const& share) {
  std::string mine;
  for (auto const& [index, line] : share.lines) mine += std::to_string(index) + " " + line + "\n";
  auto const parts = communicator.gather(std::as_bytes(std::span<char const>(mine)));
  std::map<std::size_t, std::string> ordered;
  for (auto const& part : parts) {
    std::string_view rest(reinterpret_cast<char const*>(part.data()), part.size());
    while (!rest.empty()) {
      std::size_t const blank = rest.find(' '), end = rest.find('\n');
      ordered[std::stoull(std::string(rest.substr(0, blank)))] = std::string(rest.substr(blank + 1, end - blank - 1));
      rest.remove_prefix(end + 1);
    }
  }
  std::string text = "[";
  for (auto const& [index, line] : ordered) text += (text.size() > 1 ? ",\n" : "\n") + line;
  return text + "\n]\n";
}

/// Box in the target plane that holds all science exposures of a target (pointing errors included).
PlaneBox find_box(SurveyPlan const& plan, Scene const& scene, std::size_t target) {
  constexpr double Margin = 15;  // arcsec
  PlaneBox box{1e9, 1e9, -1e9, -1e9};
  for (PlannedExposure const& planned : plan.exposures) {
    if (planned.target != target || planned.off) continue;
    Detector const& detector = plan.detectors[planned.band][planned.detector];
    auto const wcs = sky::make_imaging_wcs(make_geometry(detector), actual_pointing(plan, planned));
    for (double const x : {-0.5, detector.nx - 0.5})
      for (double const y : {-0.5, detector.ny - 0.5}) {
        PlanePoint const at = scene.to_plane(wcs->pixel_to_sky(model::PixelPoint{x, y}));
        box = {std::min(box.east_low, at.east - Margin), std::min(box.north_low, at.north - Margin),
               std::max(box.east_high, at.east + Margin), std::max(box.north_high, at.north + Margin)};
      }
  }
  return box;
}

/// The stars that an astrometric catalogue would have, with its errors.
std::vector<Source> choose_datum(SimulationSettings const& settings, Scene const& scene, std::vector<Source> sources,
                                 std::string const& target) {
  double const bright = 20 * settings.scene.faintest_star;
  if (settings.datum.stars == "listed")
    sources = scene.listed_stars();
  else
    std::erase_if(sources, [&](Source const& s) { return s.size > 0 || s.flux < bright; });
  if (settings.datum.scatter > 0) {
    Random const random(hash_text(target, settings.seed));
    for (std::size_t k = 0; k < sources.size(); ++k) {
      auto const deviates = random.normals(Stream::DatumErrors, k);
      sources[k].at.east += settings.datum.scatter * deviates[0];
      sources[k].at.north += settings.datum.scatter * deviates[1];
    }
  }
  return sources;
}

/// The catalogues of one target: all sources, and the stars an astrometric catalogue would have.
void write_catalogues(SurveyPlan const& plan, std::size_t target, std::filesystem::path const& out) {
  Scene const scene(plan.settings, target);
  auto sources = scene.sources_in(find_box(plan, scene, target));
  std::string const& name = plan.settings.targets[target].name;
  write_sources(out / "truth" / (name + "_sources.fits"), plan, scene, sources);
  write_sources(out / "alignment" / (name + "_stars.fits"), plan, scene,
                choose_datum(plan.settings, scene, std::move(sources), name));
}

/// This rank's share of the reference files; the rules by root.
void write_crds_cache(parallel::Communicator const& communicator, SurveyPlan const& plan,
                      std::filesystem::path const& cache) {
  auto const references = plan_references(plan);
  for (std::size_t k = 0; k < references.size(); ++k)
    if (static_cast<int>(k % static_cast<std::size_t>(communicator.size())) == communicator.rank())
      write_reference(cache, plan, references[k]);
  if (communicator.is_root()) write_crds_rules(cache, plan, references);
}

}  // namespace

SimulationSummary run_simulation(parallel::Communicator const& communicator, config::SimulationSettings const& settings,
                                 std::filesystem::path const& out) {
  auto const started = std::chrono::steady_clock::now();
  SurveyPlan plan;
  parallel::all_or_none(communicator, [&] {
    plan = plan_survey(settings);
    for (auto const& target : settings.targets)
      if (!target.star_list.empty()) read_star_list(target);  // what is wrong with one is said before work begins
  });
  std::vector<double> costs;
  double bytes = 0;
  for (PlannedExposure const& planned : plan.exposures) {
    Detector const& detector = plan.detectors[planned.band][planned.detector];
    costs.push_back(static_cast<double>(detector.nx) * detector.ny);
    bytes += (settings.rates.on ? 20 : 28) * costs.back();  // five or seven planes of four bytes
  }
  if (communicator.is_root())
    log::info("simulate: {} exposures of {} targets in {} bands, {} on disk", plan.exposures.size(),
              settings.targets.size(), plan.bands.size(), format_bytes(static_cast<std::int64_t>(bytes)));
  auto const owner = parallel::divide_balanced(costs, communicator.size());
  Share share;
  parallel::all_or_none(communicator, [&] { share = simulate_share(plan, owner, communicator.rank(), out); });
  std::string const truth = gather_truth(communicator, share);
  parallel::all_or_none(communicator, [&] {
    for (std::size_t target = 0; target < settings.targets.size(); ++target)
      if (static_cast<int>(target % static_cast<std::size_t>(communicator.size())) == communicator.rank())
        write_catalogues(plan, target, out);
    if (settings.rates.on) write_crds_cache(communicator, plan, out / "crds");
    if (!communicator.is_root()) return;
    io::write_file(out / "truth" / "truth.json", truth);
    write_configuration(out, plan);
  });
  SimulationSummary summary;
  summary.exposure_count = plan.exposures.size();
  summary.pixel_count = communicator.sum(share.pixels);
  summary.byte_count = communicator.sum(share.bytes);
  summary.seconds = communicator.max(std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count());
  summary.configuration = out / "config.toml";
  return summary;
}

}  // namespace tessera::simulate
