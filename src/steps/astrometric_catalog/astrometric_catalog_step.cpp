#include "tessera/steps/astrometric_catalog/astrometric_catalog_step.hpp"

#include <chrono>
#include <optional>

#include "../share_mosaics.hpp"
#include "find_mosaic_stars.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/parallel/progress.hpp"

namespace tessera::steps {

namespace {

/// Products of one mosaic. Errors are agreed. Collective over `group`.
void make_catalogue(StepContext& context, parallel::Communicator const& group, MosaicTask const& task,
                    StepCounts& counts) {
  std::optional<MosaicImage> image;
  AstrometricCatalogOptions options;
  parallel::all_or_none(group, [&] {
    options = astrometric_catalog_options(task.parameters, task.band_facts);
    image.emplace(task.mosaic);
  });
  auto const stars = find_mosaic_stars(group, *image, options, task.label(), context.budget);
  auto const rows = own_block_rows(group, image->ny());
  counts.items += static_cast<std::int64_t>(rows.size());
  counts.bytes_read += 4 * image->nx() * model::BlockSize * static_cast<std::int64_t>(rows.size());
  parallel::all_or_none(group, [&] {
    if (!group.is_root()) return;
    if (stars.noise.pixels == 0)
      log::warn("astrometric_catalog {}: no pixel has data", task.label());
    else if (stars.stars.empty())
      log::warn("astrometric_catalog {}: no stars above {:.4g} {} (noise {:.4g}, of {} pixels)", task.label(),
                stars.threshold, stars.unit, stars.noise.rms, stars.noise.pixels);
    else
      log::info("astrometric_catalog {}: {} stars above {:.4g} {} (noise {:.4g})", task.label(), stars.stars.size(),
                stars.threshold, stars.unit, stars.noise.rms);
    // The old manifest goes first: it must never stand beside new files.
    std::filesystem::remove(store::manifest_path(task.product));
    auto summary = task.root;
    write_star_summary(summary += "_astro_cat.json", stars);
    write_star_table(task.product, stars);
    store::write_manifest(task.product, task.manifest);
  });
}

}  // namespace

StepOutcome run_astrometric_catalog(StepContext& context, std::vector<MosaicTask> const& tasks) {
  StepOutcome outcome;
  if (tasks.empty()) return outcome;
  std::vector<std::filesystem::path> files;
  for (auto const& task : tasks) files.push_back(task.mosaic);
  auto const share = share_mosaics(context.world, file_costs(context.world, files));

  std::vector<parallel::Failure> failures;
  bool stopped = false;
  parallel::Progress progress(context.world, "astrometric_catalog", static_cast<std::int64_t>(tasks.size()));
  for (auto const index : share.mosaics) {
    stopped = share.group.max(std::int64_t{context.control.poll() >= parallel::StopRequest::FinishItems}) > 0;
    if (stopped) break;
    auto const& task = tasks[index];
    auto const begin = std::chrono::steady_clock::now();
    try {
      make_catalogue(context, share.group, task, outcome.counts);
    } catch (Error const& error) {
      if (error.status() == ExitStatus::InternalError) throw;  // a bug is no failure of a mosaic
      if (share.group.is_root())
        failures.push_back({task.label(), error.what(), static_cast<int>(error.status()), context.world.rank()});
      if (context.stop_on_error) context.control.raise(parallel::StopRequest::Failure);
    }
    outcome.counts.busy_s += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (share.group.is_root()) progress.advance();
  }
  progress.finish();
  outcome.failures = parallel::agree_on_failures(context.world, failures);
  outcome.stopped = context.world.max(std::int64_t{stopped}) > 0;
  return outcome;
}

}  // namespace tessera::steps
