#include "list_adjust_stars.hpp"

#include "../psf_centroids.hpp"
#include "../star_lists.hpp"
#include "diffusion_stars.hpp"

namespace tessera::steps {

namespace {

constexpr std::size_t None = static_cast<std::size_t>(-1);

/// Tasks in such an order that collect_align_images brings all bands of a job to one rank: place k of the order goes to
/// rank k modulo their number. None: a place that is left empty.
std::vector<std::size_t> order_tasks(JobPlan const& plan, int ranks) {
  std::vector<std::size_t> order;
  std::vector<std::size_t> next(static_cast<std::size_t>(ranks));
  for (std::size_t rank = 0; rank < next.size(); ++rank) next[rank] = rank;
  for (std::size_t j = 0; j < plan.jobs.size(); ++j)
    for (auto const task : plan.jobs[j].tasks) {
      auto& place = next[static_cast<std::size_t>(aligner_of_job(j, ranks))];
      if (order.size() <= place) order.resize(place + 1, None);
      order[place] = task;
      place += static_cast<std::size_t>(ranks);
    }
  return order;
}

}  // namespace

ListedStars list_adjust_stars(StepContext& context, std::vector<BandTask> const& tasks,
                              std::vector<GetWcsAdjustOptions> const& options,
                              std::vector<TweakregStepOptions> const& tweakreg, JobPlan const& plan,
                              StepCounts& counts) {
  auto const order = order_tasks(plan, context.world.size());
  std::vector<BandTask> ordered;
  std::vector<std::optional<CustomCatalogues>> custom;
  for (auto const task : order) {
    ordered.push_back(tasks[task == None ? 0 : task]);
    if (task == None) {  // nobody's: without members it is never looked at
      ordered.back().members.clear();
      ordered.back().scratch /= "empty";
    }
    custom.push_back(task == None ? std::nullopt : read_custom_catalogues(context, tasks[task], tweakreg[task].stars));
  }
  auto const index_of = [&](BandTask const& task) { return order[static_cast<std::size_t>(&task - ordered.data())]; };
  auto const find = [&](store::ExposureReader const& reader, BandTask const& task) {
    auto const t = index_of(task);
    auto const& diffusion = options[t].diffusion;
    if (!diffusion)
      return list_stars(context, tweakreg[t].stars, custom[static_cast<std::size_t>(&task - ordered.data())], reader);
    parallel::MemoryBudget::Reservation const held(context.budget, "stars of one exposure",
                                                   diffusion_stars_bytes(reader.record()));
    return list_diffusion_stars(reader, *diffusion);
  };
  std::vector<PsfWanted> wanted;
  for (auto const task : order) {
    wanted.emplace_back();
    if (task != None) wanted.back() = {tweakreg[task].stars.epsf, tweakreg[task].stars.finder.finder.fwhm};
  }
  ListedStars listed;
  auto const centroids = centre_by_psf(context, ordered, wanted, find, counts);
  listed.stopped = centroids.stopped;
  if (listed.stopped) return listed;
  auto const list = [&](store::ExposureReader const& reader, BandTask const& task) {
    auto const t = index_of(task);
    auto stars = centroids.list(reader, task);
    if (!options[t].diffusion)
      save_stars(stars, task, tweakreg[t].stars, custom[static_cast<std::size_t>(&task - ordered.data())],
                 reader.record());
    return stars;
  };
  auto collected = collect_align_images(
      context, ordered, list,
      [&](store::ExposureRecord const& record, BandTask const& task) {
        auto const t = index_of(task);
        return adjust_group(record, options[t], tweakreg[t]);
      },
      counts, centroids.variants);
  listed.memory = std::move(collected.memory);
  listed.failures = std::move(collected.failures);
  listed.stopped = collected.stopped;
  std::vector<std::size_t> place_of(tasks.size(), None);
  for (std::size_t k = 0; k < order.size(); ++k)
    if (order[k] != None) place_of[order[k]] = k;
  for (auto const& job : plan.jobs) {
    auto& bands = listed.jobs.emplace_back();
    for (auto const t : job.tasks)
      bands.push_back({&tasks[t], options[t], tweakreg[t], std::move(collected.images[place_of[t]]),
                       std::move(collected.members[place_of[t]])});
  }
  return listed;
}

}  // namespace tessera::steps
