#include "tessera/steps/resample/resample_step.hpp"

#include <algorithm>
#include <chrono>
#include <set>

#include "drizzle_wave.hpp"
#include "tessera/compute/session.hpp"
#include "tessera/core/build_facts.hpp"
#include "tessera/core/log.hpp"
#include "tessera/io/durable_file.hpp"
#include "tessera/parallel/progress.hpp"
#include "tessera/steps/resample/mosaic_file.hpp"
#include "tessera/steps/resample/mosaic_quicklook.hpp"
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

/// Says which exposures reached no block of a mosaic made in one go: all NaN, all flagged, or of no weight.
void warn_of_silent_members(Communicator const& group, StepContext const& context, MosaicPlan const& plan,
                            std::set<int> const& heard_here) {
  std::vector<int> const mine(heard_here.begin(), heard_here.end());
  auto const all = group.all_gather_values<int>(mine);
  if (!group.is_root()) return;
  std::set<int> const heard(all.begin(), all.end());
  for (int member = 0; member < static_cast<int>(plan.request.members.size()); ++member)
    if (!heard.contains(member))
      log::warn("{}: gives {} no pixel (all NaN, flagged or without weight)",
                context.records[static_cast<std::size_t>(plan.request.members[static_cast<std::size_t>(member)])].path,
                plan.request.product);
}

/// How one mosaic went on one rank.
enum class Progressed { Finished, Stopped };

/// Makes the unfinished file, or takes up the one an earlier run left. Returns the blocks that are in it already.
std::set<std::int64_t> begin_mosaic(Communicator const& group, MosaicPlan const& plan, MosaicJournal const& journal) {
  std::set<std::int64_t> finished;
  parallel::all_or_none(group, [&] {
    if (!group.is_root()) return;
    if (journal.finished_blocks().empty()) {
      journal.restart();
      create_mosaic_file(plan);
    }
  });
  parallel::all_or_none(group, [&] { finished = journal.finished_blocks(); });
  if (!finished.empty() && group.is_root())
    log::info("{}: {} of {} blocks are there from an earlier run", plan.request.product, finished.size(), plan.order.size());
  return finished;
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

  auto const memory = divide_memory(plan, context.records, context.budget.limit(), context.program_bytes, compute::thread_count());
  parallel::MemoryBudget::Reservation const reservation(
      context.budget, "resample " + plan.request.product, memory.exposure_bytes + memory.block_bytes * memory.blocks);
  auto const drizzle = plan.request.options.drizzle(plan.grid.pixel_scale_ratio);
  auto const wave_size = static_cast<std::size_t>(memory.blocks);
  for (std::size_t begin = 0; begin < todo.size(); begin += wave_size) {
    if (context.control.poll() >= StopRequest::FinishItems) return Progressed::Stopped;
    std::span<std::int64_t const> const wave(todo.data() + begin, std::min(wave_size, todo.size() - begin));
    std::vector<kernels::BlockAccumulator> accumulators;
    accumulators.reserve(wave.size());
    for (auto const block : wave) accumulators.emplace_back(plan.grid.blocks().box(block), plan.grid.nx, plan.grid.ny, drizzle);
    if (!drizzle_wave(context, plan, ledger, memory, wave, accumulators, counts)) return Progressed::Stopped;
    for (std::size_t k = 0; k < wave.size(); ++k) {
      auto const drizzled = accumulators[k].finish(plan.request.options.fillval);
      heard.insert(drizzled.inputs.begin(), drizzled.inputs.end());
      write_block(file, plan, wave[k], drizzled);
      counts.bytes_written += plan.grid.blocks().box(wave[k]).width() * plan.grid.blocks().box(wave[k]).height() * 4 *
                              (2 + (plan.request.options.enable_err ? 4 : 0));
    }
    journal.append({wave.begin(), wave.end()});
    progress.advance(static_cast<std::int64_t>(wave.size()));
    counts.items += static_cast<std::int64_t>(wave.size());
  }
  return Progressed::Finished;
}

/// The products of a finished mosaic: FITS, pictures, manifest; then the working files go.
void finish_mosaic(Communicator const& group, StepContext& context, MosaicPlan const& plan, store::Ledger const& ledger,
                   MosaicJournal const& journal, StepCounts& counts) {
  Stopwatch const watch(counts.busy_s);
  auto const metadata = make_i2d_metadata(group, plan, context.records, ledger);
  counts.bytes_written += write_i2d(group, plan, metadata);
  parallel::all_or_none(group, [&] {
    if (!group.is_root()) return;
    auto const& first = context.records[static_cast<std::size_t>(plan.request.members.front())];
    if (plan.request.options.quicklook) write_mosaic_quicklooks(plan, first.unit);
    if (plan.request.options.keep_hdf5)
      io::commit_file(unfinished_mosaic_path(plan), mosaic_path(plan));
    else
      std::filesystem::remove(unfinished_mosaic_path(plan));
    store::Manifest manifest;
    manifest.product = i2d_path(plan).filename().string();
    manifest.step = "resample";
    manifest.algorithm = ResampleAlgorithm;
    manifest.parameters = pixel_parameters(plan.request.options);
    manifest.inputs = manifest_inputs(plan, context.records, plan.ledger_hash);
    manifest.program = "tessera " + build_facts().version + " (" + build_facts().commit + ")";
    store::write_manifest(i2d_path(plan), manifest);
    journal.remove();
  });
}

bool is_up_to_date(MosaicPlan const& plan) {
  auto const manifest = store::read_manifest(i2d_path(plan));
  return manifest && manifest->key() == plan.key && std::filesystem::exists(i2d_path(plan));
}

/// One mosaic, by the ranks that own a part of it.
Progressed make_mosaic(Communicator const& group, StepContext& context, MosaicPlan const& plan, BlockRun const& run,
                       parallel::Progress& progress, StepCounts& counts) {
  // A rank may own parts of several mosaics: after a stop request it still meets every one of their groups, to say so.
  bool const stop_wanted = context.control.poll() >= StopRequest::FinishItems;
  if (group.max(std::int64_t{stop_wanted}) > 0) return Progressed::Stopped;
  auto const ledger = context.ledger(plan.request.target, plan.request.band);
  MosaicJournal const journal(plan, context.world.rank());
  auto const finished = begin_mosaic(group, plan, journal);
  Progressed progressed = Progressed::Finished;
  std::set<int> heard;
  {
    io::Hdf5File file(unfinished_mosaic_path(plan), io::Hdf5File::Mode::ReadWrite, group);
    std::optional<Error> failure;
    try {
      progressed = drizzle_run(context, plan, ledger, run, finished, file, journal, progress, counts, heard);
    } catch (Error const& error) {
      failure = error;  // the others must not be left waiting: agreed below
    }
    parallel::all_or_none(group, [&] {
      if (failure) throw *failure;
    });
  }
  bool const stopped_anywhere = group.max(std::int64_t{progressed == Progressed::Stopped}) > 0;
  if (stopped_anywhere) return Progressed::Stopped;
  if (finished.empty() && plan.request.options.enable_ctx) warn_of_silent_members(group, context, plan, heard);
  finish_mosaic(group, context, plan, ledger, journal, counts);
  return Progressed::Finished;
}

}  // namespace

StepOutcome run_resample(StepContext& context, std::vector<MosaicPlan> const& plans) {
  StepOutcome outcome;
  // Which mosaics are up to date is one rank's look at the disk, told to all.
  std::string states;
  parallel::all_or_none(context.world, [&] {
    if (context.world.is_root())
      for (auto const& plan : plans) states += is_up_to_date(plan) ? 'u' : 'n';
  });
  states = context.world.broadcast(states);
  std::vector<MosaicPlan const*> todo;
  for (std::size_t k = 0; k < plans.size(); ++k) {
    if (states[k] == 'n')
      todo.push_back(&plans[k]);
    else
      log::info("{} is up to date", i2d_path(plans[k]).string());
  }
  std::vector<MosaicPlan> wanted;
  for (auto const* plan : todo) wanted.push_back(*plan);

  auto const runs = divide_blocks(wanted, context.world.size());
  auto const& mine = runs[static_cast<std::size_t>(context.world.rank())];
  std::int64_t total = 0;
  for (auto const& plan : wanted) total += static_cast<std::int64_t>(plan.order.size());

  // Communicators of all mosaics first, while everyone is here: later each group meets alone, in ascending order.
  std::vector<Communicator> groups;
  for (std::size_t mosaic = 0; mosaic < wanted.size(); ++mosaic) {
    bool const owner = std::any_of(mine.begin(), mine.end(), [&](BlockRun const& r) { return r.mosaic == static_cast<int>(mosaic); });
    groups.push_back(context.world.split(owner ? 1 : -1));
  }

  std::vector<parallel::Failure> failures;
  {
    parallel::Progress progress(context.world, "resample", total);
    for (auto const& run : mine) {
      auto const& plan = wanted[static_cast<std::size_t>(run.mosaic)];
      auto const& group = groups[static_cast<std::size_t>(run.mosaic)];
      try {
        if (make_mosaic(group, context, plan, run, progress, outcome.counts) == Progressed::Stopped)
          outcome.stopped = true;
        else if (group.is_root())
          log::info("{} is written", i2d_path(plan).string());
      } catch (Error const& error) {
        if (group.is_root()) failures.push_back({plan.request.product, error.what(), static_cast<int>(error.status()), context.world.rank()});
        if (context.stop_on_error) context.control.raise(StopRequest::Failure);
      }
    }
  }
  outcome.failures = parallel::agree_on_failures(context.world, failures);
  outcome.stopped = context.world.max(std::int64_t{outcome.stopped}) > 0;
  return outcome;
}

}  // namespace tessera::steps
