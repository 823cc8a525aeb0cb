#include "tessera/steps/resample/resample_step.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <set>

#include "tessera/compute/session.hpp"
#include "tessera/core/build_facts.hpp"
#include "tessera/core/dq.hpp"
#include "tessera/core/log.hpp"
#include "tessera/exchange/exposure_drizzler.hpp"
#include "tessera/exchange/open_together.hpp"
#include "tessera/io/durable_file.hpp"
#include "tessera/io/file_lock.hpp"
#include "tessera/parallel/progress.hpp"
#include "tessera/steps/resample/mosaic_file.hpp"
#include "tessera/steps/resample/mosaic_quicklook.hpp"
#include "tessera/steps/resample/resample_memory.hpp"
#include "tessera/steps/resample/write_i2d.hpp"
#include "tessera/store/manifest.hpp"

namespace tessera::steps {

namespace {

using Clock = std::chrono::steady_clock;
using parallel::Communicator;
using parallel::StopRequest;

/// Adds the seconds of its life to `total`.
class Stopwatch {
 public:
  explicit Stopwatch(double& total) : total_(total), begin_(Clock::now()) {}
  ~Stopwatch() { total_ += std::chrono::duration<double>(Clock::now() - begin_).count(); }
  Stopwatch(Stopwatch const&) = delete;
  Stopwatch& operator=(Stopwatch const&) = delete;

 private:
  double& total_;
  Clock::time_point begin_;
};

/// Says which exposures reached no block of a mosaic made in one go: all NaN, all flagged, or of no weight. Throws
/// InputError when none did: an empty mosaic is no product. Collective over `group`.
void warn_of_silent_members(Communicator const& group, StepContext const& context, MosaicPlan const& plan,
                            std::set<int> const& heard_here) {
  std::vector<int> const mine(heard_here.begin(), heard_here.end());
  auto const all = group.all_gather_values<int>(mine);
  std::set<int> const heard(all.begin(), all.end());
  if (heard.empty())
    throw InputError({"no exposure has a usable pixel", plan.request.product,
                      "pixels that are not NaN, flagged or without weight",
                      fmt::format("none in {} exposures", plan.request.members.size()),
                      "check the SCI, DQ and weight planes of the inputs, and that they lie on the output grid"});
  if (!group.is_root()) return;
  for (int member = 0; member < static_cast<int>(plan.request.members.size()); ++member)
    if (!heard.contains(member))
      log::warn("{}: gives {} no pixel (all NaN, flagged or without weight)",
                context.records[static_cast<std::size_t>(plan.request.members[static_cast<std::size_t>(member)])].path,
                plan.request.product);
}

/// Removes the working files of a mosaic. One rank.
void discard(MosaicPlan const& plan, MosaicJournal const& journal) {
  std::error_code ignored;
  std::filesystem::remove(i2d_path(plan).replace_extension(".lock"), ignored);
  std::filesystem::remove(unfinished_mosaic_path(plan), ignored);
  journal.remove();
}

/// How one mosaic went on one rank.
enum class Progressed { Finished, Stopped };

/// Makes the unfinished file, or takes up the one an earlier run left. Returns the blocks that are in it already.
std::set<std::int64_t> begin_mosaic(Communicator const& group, MosaicPlan const& plan, MosaicJournal const& journal) {
  // One rank reads the journal: on a network file system the others may see an older folder.
  std::vector<std::int64_t> blocks;
  parallel::all_or_none(group, [&] {
    if (!group.is_root()) return;
    auto const found = journal.finished_blocks();
    blocks.assign(found.begin(), found.end());
    if (blocks.empty() || !is_mosaic_of(plan)) {
      blocks.clear();
      journal.restart();
      create_mosaic_file(plan);
    }
  });
  auto const all = group.all_gather_values<std::int64_t>(blocks);
  return {all.begin(), all.end()};
}

/// Drizzles this rank's blocks wave by wave.
Progressed drizzle_run(StepContext& context, MosaicPlan const& plan, store::Ledger const& ledger, BlockRun const& run,
                       std::set<std::int64_t> const& finished, io::Hdf5File& file, MosaicJournal const& journal,
                       parallel::Progress& progress, StepCounts& counts, std::set<int>& heard) {
  Stopwatch const watch(counts.busy_s);
  std::vector<std::int64_t> todo;
  for (std::size_t position = run.begin; position < run.end; ++position)
    if (!finished.contains(plan.order[position])) todo.push_back(plan.order[position]);
  progress.advance(static_cast<std::int64_t>(run.end - run.begin - todo.size()));

  auto const memory =
      divide_memory(plan, context.records, context.budget.limit(), context.program_bytes, compute::thread_count());
  parallel::MemoryBudget::Reservation const reservation(context.budget, "resample " + plan.request.product,
                                                        memory.exposure_bytes + memory.block_bytes * memory.blocks);
  auto const drizzle = plan.request.options.drizzle(plan.grid.pixel_scale_ratio);
  auto const make_accumulator = [&](std::int64_t block) {
    return kernels::BlockAccumulator(plan.grid.blocks().box(block), plan.grid.nx, plan.grid.ny, drizzle);
  };
  exchange::ExposureDrizzler drizzler({context.records, ledger, context.control, plan, plan.request.members, drizzle,
                                       plan.request.options.weight_type, dq::bad_bits(plan.request.options.good_bits),
                                       memory.rows, exchange::AllDrizzlePlanes});
  for (auto const& wave : cut_waves(plan, todo, memory)) {
    if (context.control.poll() >= StopRequest::FinishItems) return Progressed::Stopped;
    std::vector<kernels::BlockAccumulator> accumulators;
    accumulators.reserve(wave.reached.size());
    for (auto const block : wave.reached) accumulators.push_back(make_accumulator(block));
    if (!drizzler.add(exchange::positions_reaching(plan, wave.reached), wave.reached, accumulators))
      return Progressed::Stopped;
    std::size_t next = 0;
    std::span<std::int64_t const> const blocks(todo.data() + wave.begin, wave.end - wave.begin);
    for (auto const block : blocks) {
      bool const is_reached = next < wave.reached.size() && wave.reached[next] == block;
      auto const accumulator = is_reached ? std::move(accumulators[next++]) : make_accumulator(block);
      auto const drizzled = accumulator.finish(plan.request.options.fillval);
      heard.insert(drizzled.inputs.begin(), drizzled.inputs.end());
      write_block(file, plan, block, drizzled);
      counts.bytes_written += plan.grid.blocks().box(block).width() * plan.grid.blocks().box(block).height() * 4 *
                              (2 + (plan.request.options.enable_err ? 4 : 0));
    }
    journal.append({blocks.begin(), blocks.end()});
    progress.advance(static_cast<std::int64_t>(blocks.size()));
    counts.items += static_cast<std::int64_t>(blocks.size());
  }
  counts.bytes_read += drizzler.bytes_read();
  return Progressed::Finished;
}

/// Pictures of the mosaic, or none: old ones never stay beside a new file, and a failure costs a warning only.
/// Collective.
void make_pictures(Communicator const& group, StepContext const& context, MosaicPlan const& plan) {
  parallel::all_or_none(group, [&] {
    std::error_code ignored;
    for (auto const& path : quicklook_paths(plan))
      if (group.is_root()) std::filesystem::remove(path, ignored);
  });
  try {
    auto const& first = context.records[static_cast<std::size_t>(plan.request.members.front())];
    if (plan.request.options.quicklook) write_mosaic_quicklooks(group, plan, first.unit);
  } catch (std::exception const& error) {  // agreed: every rank is here
    if (group.is_root()) log::warn("{}: no pictures: {}", plan.request.product, error.what());
  }
  group.barrier();  // the manifest says that they are there
}

/// The products of a finished mosaic: FITS, pictures, manifest; then the working files go.
void finish_mosaic(Communicator const& group, StepContext& context, MosaicPlan const& plan,
                   MosaicJournal const& journal, StepCounts& counts) {
  Stopwatch const watch(counts.busy_s);
  auto const metadata =
      make_i2d_metadata(group, plan, context.records, context.ledger(plan.request.target, plan.request.band));
  // The old manifest goes first: it must never stand beside a new file.
  parallel::all_or_none(group, [&] {
    if (group.is_root()) std::filesystem::remove(store::manifest_path(i2d_path(plan)));
  });
  counts.bytes_written += write_i2d(group, plan, metadata);
  make_pictures(group, context, plan);
  parallel::all_or_none(group, [&] {
    if (!group.is_root()) return;
    store::Manifest manifest;
    manifest.product = i2d_path(plan).filename().string();
    manifest.step = "resample";
    manifest.algorithm = ResampleAlgorithm;
    manifest.parameters = pixel_parameters(plan.request.options);
    manifest.inputs = manifest_inputs(plan, context.records, plan.ledger_hash);
    manifest.program = "tessera " + build_facts().version + " (" + build_facts().commit + ")";
    store::write_manifest(i2d_path(plan), manifest);
    std::filesystem::remove(mosaic_path(plan));
    if (plan.request.options.keep_hdf5) io::commit_file(unfinished_mosaic_path(plan), mosaic_path(plan));
    discard(plan, journal);
  });
}

bool is_up_to_date(MosaicPlan const& plan) {
  auto const manifest = store::read_manifest(i2d_path(plan));
  if (!manifest || manifest->key() != plan.key || !std::filesystem::exists(i2d_path(plan))) return false;
  auto const& options = plan.request.options;
  auto const pictures = quicklook_paths(plan);
  return (!options.keep_hdf5 || std::filesystem::exists(mosaic_path(plan))) &&
         (!options.quicklook || std::all_of(pictures.begin(), pictures.end(),
                                            [](auto const& path) { return std::filesystem::exists(path); }));
}

/// One mosaic, by the ranks that own a part of it.
Progressed make_mosaic(Communicator const& group, StepContext& context, MosaicPlan const& plan, BlockRun const& run,
                       parallel::Progress& progress, StepCounts& counts) {
  // A rank may own parts of several mosaics: after a stop request it still meets every one of their groups, to say so.
  bool const stop_wanted = context.control.poll() >= StopRequest::FinishItems;
  if (group.max(std::int64_t{stop_wanted}) > 0) return Progressed::Stopped;
  auto const ledger = context.ledger(plan.request.target, plan.request.band);
  MosaicJournal const journal(plan, context.world.rank());
  std::unique_ptr<io::FileLock> lock;
  parallel::all_or_none(group, [&] {
    if (group.is_root()) lock = std::make_unique<io::FileLock>(i2d_path(plan).replace_extension(".lock"));
  });
  auto const finished = begin_mosaic(group, plan, journal);
  Progressed progressed = Progressed::Finished;
  std::set<int> heard;
  {
    auto const file = exchange::open_together(group, unfinished_mosaic_path(plan));
    std::exception_ptr failure;
    try {
      progressed = drizzle_run(context, plan, ledger, run, finished, *file, journal, progress, counts, heard);
    } catch (...) {
      failure = std::current_exception();  // the others must not be left waiting, nor this rank in closing the file
    }
    parallel::all_or_none(group, [&] {
      if (failure) std::rethrow_exception(failure);
    });
  }
  bool const stopped_anywhere = group.max(std::int64_t{progressed == Progressed::Stopped}) > 0;
  if (stopped_anywhere) return Progressed::Stopped;
  if (finished.empty() && plan.request.options.enable_ctx) {
    try {
      warn_of_silent_members(group, context, plan, heard);
    } catch (InputError const&) {  // on all ranks of the group: there is nothing to go on with
      if (group.is_root()) discard(plan, journal);
      throw;
    }
  }
  finish_mosaic(group, context, plan, journal, counts);
  return Progressed::Finished;
}

}  // namespace

std::vector<std::vector<BlockRun>> divide_blocks(std::vector<MosaicPlan const*> const& plans, int ranks) {
  return exchange::divide_blocks({plans.begin(), plans.end()}, ranks);
}

StepOutcome run_resample(StepContext& context, std::vector<MosaicPlan> const& plans) {
  StepOutcome outcome;
  // Which mosaics are up to date is one rank's look at the disk, told to all.
  std::string states;
  parallel::all_or_none(context.world, [&] {
    if (!context.world.is_root()) return;
    for (auto const& plan : plans) {
      states += is_up_to_date(plan) ? 'u' : 'n';
      if (states.back() == 'u') continue;
      if (auto const count = MosaicJournal(plan, 0).finished_blocks().size(); count > 0)
        log::info("{}: {} of {} blocks are there from an earlier run", plan.request.product, count, plan.order.size());
    }
  });
  states = context.world.broadcast(states);
  std::vector<MosaicPlan const*> todo;
  for (std::size_t k = 0; k < plans.size(); ++k) {
    if (states[k] == 'n')
      todo.push_back(&plans[k]);
    else
      log::info("{} is up to date", i2d_path(plans[k]).string());
  }

  auto const runs = divide_blocks(todo, context.world.size());
  auto const& mine = runs[static_cast<std::size_t>(context.world.rank())];
  std::int64_t total = 0;
  for (auto const* plan : todo) total += static_cast<std::int64_t>(plan->order.size());

  // Communicators of all mosaics first, while everyone is here: later each group meets alone, in ascending order.
  std::vector<Communicator> groups;
  for (std::size_t mosaic = 0; mosaic < todo.size(); ++mosaic) {
    bool const owner =
        std::any_of(mine.begin(), mine.end(), [&](BlockRun const& r) { return r.mosaic == static_cast<int>(mosaic); });
    groups.push_back(context.world.split(owner ? 1 : -1));
  }

  std::vector<parallel::Failure> failures;
  std::string written;  // paths of the products this rank's groups made, a line each, told by the root of each group
  {
    parallel::Progress progress(context.world, "resample", total);
    for (auto const& run : mine) {
      auto const& plan = *todo[static_cast<std::size_t>(run.mosaic)];
      auto const& group = groups[static_cast<std::size_t>(run.mosaic)];
      try {
        if (make_mosaic(group, context, plan, run, progress, outcome.counts) == Progressed::Stopped)
          outcome.stopped = true;
        else if (group.is_root())
          written += i2d_path(plan).string() + "\n";
      } catch (Error const& error) {
        if (error.status() == ExitStatus::InternalError) throw;  // a bug is no failure of a mosaic
        if (group.is_root())
          failures.push_back(
              {plan.request.product, error.what(), static_cast<int>(error.status()), context.world.rank()});
        if (context.stop_on_error) context.control.raise(StopRequest::Failure);
      }
    }
    progress.finish();
  }
  // Only rank 0 of the world speaks, and it may own no part of a mosaic.
  for (auto const& paths : context.world.all_gather(written))
    for (std::size_t at = 0; at < paths.size(); at = paths.find('\n', at) + 1)
      log::info("{} is written", paths.substr(at, paths.find('\n', at) - at));
  outcome.failures = parallel::agree_on_failures(context.world, failures);
  outcome.stopped = context.world.max(std::int64_t{outcome.stopped}) > 0;
  return outcome;
}

}  // namespace tessera::steps
