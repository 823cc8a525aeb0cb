#include "tessera/steps/single_tile_destripe/single_tile_destripe_step.hpp"

#include <algorithm>
#include <filesystem>

#include "../run_by_exposure.hpp"
#include "measure_tile.hpp"
#include "source_model.hpp"
#include "stripe_products.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/exchange/loaded_exposure.hpp"
#include "tessera/io/durable_file.hpp"
#include "tessera/store/exposure_reader.hpp"
#include "tile_regions.hpp"

namespace tessera::steps {

namespace {

std::int64_t bytes_of(store::ExposureRecord const& record) {
  return exchange::loaded_exposure_bytes(record) + record.nx * record.ny * measure_tile_bytes();
}

/// The levels put into the amplifiers, as a profile to subtract.
StripeProfile profile_of(std::vector<double> const& added_levels, StripeLayout const& layout) {
  auto profile = make_profile(layout);
  for (std::size_t a = 0; a < added_levels.size(); ++a)
    std::fill(profile.rows[a].begin(), profile.rows[a].end(), -added_levels[a]);
  return profile;
}

std::vector<model::LedgerEntry> measure_exposure(StepContext const& context, BandTask const& task, int member,
                                                 SingleTileDestripeOptions const& options, StepCounts& counts) {
  auto const& record = context.records[static_cast<std::size_t>(member)];
  parallel::MemoryBudget::Reservation const held(context.budget, "stripes of " + record.path, bytes_of(record));
  store::ExposureReader const reader(record, task.before);
  auto const frame = find_stripe_layout(reader, options.quadrants);
  auto const layout = without_reference_pixels(frame);
  auto image = exchange::load_exposure(reader, false);
  counts.bytes_read += reader.bytes_read();
  refuse_without_pixels(record.path, image.bad);
  auto const wcs = reader.wcs();
  if (options.region_mask) leave_out_regions(*options.region_mask, wcs.get(), image.nx, image.ny, image.bad);
  if (options.source_model) {
    constexpr double Conversion = 1;  // calibrated: MJy/sr
    double const coverage =
        subtract_source_model(*options.source_model, wcs.get(), Conversion, image.nx, image.ny, image.sci, image.bad);
    warn_of_coverage(record.identity.label(), coverage);
  }
  refuse_without_pixels(record.path, image.bad);
  if (layout.turned) {
    image.sci = transpose(image.sci, image.nx, image.ny);
    image.bad = transpose(image.bad, image.nx, image.ny);
  }
  auto const stripes = measure_tile(image.sci, image.bad, layout, options, seed_of(record.identity.label()));
  std::vector<model::LedgerEntry> entries;
  if (!stripes.added_levels.empty()) entries = make_entries(profile_of(stripes.added_levels, frame), frame);
  auto const rows_and_columns = make_entries(stripes.profile, layout);
  entries.insert(entries.end(), rows_and_columns.begin(), rows_and_columns.end());
  if (options.save_model) write_noise_model(record, entries, task.products);
  return entries;
}

/// By one rank, from the ledgers that have just been committed.
void write_products(StepContext& context, std::vector<BandTask> const& tasks) {
  parallel::all_or_none(context.world, [&] {
    if (!context.world.is_root()) return;
    for (auto const& task : tasks) {
      if (!std::filesystem::exists(task.ledger_file)) continue;
      auto const ledger = store::Ledger::of({{task.step, task.ledger_file}});
      std::filesystem::create_directories(task.products);
      io::write_file(task.products / "stripes.csv", single_tile_table(context, task, ledger));
      draw_noise_model(context, task, ledger);
    }
  });
}

}  // namespace

StepOutcome run_single_tile_destripe(StepContext& context, std::vector<BandTask> const& tasks) {
  std::vector<SingleTileDestripeOptions> options(tasks.size());
  std::vector<parallel::Failure> failed(tasks.size());
  for (std::size_t t = 0; t < tasks.size(); ++t) try {
      options[t] = single_tile_options(tasks[t].parameters);
    } catch (ConfigError const& error) {  // the same on all ranks
      failed[t] = {tasks[t].label(), error.what(), static_cast<int>(error.status()), 0};
    }
  auto outcome = run_by_exposure(
      context, tasks, failed,
      [&](ExposureItem const& item) {
        auto const& record = context.records[static_cast<std::size_t>(item.member)];
        return static_cast<double>(record.nx * record.ny);
      },
      [&](ExposureItem const& item, StepCounts& counts) {
        return measure_exposure(context, tasks[item.task], item.member, options[item.task], counts);
      });
  if (!outcome.stopped) write_products(context, tasks);
  return outcome;
}

}  // namespace tessera::steps
