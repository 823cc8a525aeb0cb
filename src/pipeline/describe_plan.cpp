#include <fmt/format.h>

#include <set>

#include "tessera/compute/session.hpp"
#include "tessera/core/byte_size.hpp"
#include "tessera/parallel/memory_budget.hpp"
#include "tessera/parallel/pool.hpp"
#include "tessera/pipeline/run_plan.hpp"
#include "tessera/steps/resample/resample_memory.hpp"
#include "tessera/steps/resample/resample_step.hpp"
#include "tessera/steps/resample/write_i2d.hpp"

namespace tessera::pipeline {

namespace {

std::string mosaics_table(RunPlan const& plan) {
  std::string text = fmt::format("{:<44} {:>9} {:>15} {:>8} {:>9} {:>9}\n", "mosaic", "exposures", "pixels", "\"/pixel",
                                 "blocks", "FITS");
  for (auto const& mosaic : plan.mosaics)
    text += fmt::format("{:<44} {:>9} {:>15} {:>8.4f} {:>9} {:>9}\n", steps::i2d_path(mosaic).stem().string(),
                        mosaic.request.members.size(), fmt::format("{} x {}", mosaic.grid.nx, mosaic.grid.ny),
                        mosaic.grid.cdelt[0] * 3600, mosaic.order.size(), format_bytes(mosaic.bytes_fits()));
  return text;
}

/// Bytes a wave reads at most: every exposure that may reach it, whole.
std::int64_t bytes_of_wave(RunPlan const& plan, steps::MosaicPlan const& mosaic, steps::BlockWave const& wave) {
  std::set<int> members;
  for (auto const block : wave.reached) {
    auto const& reaching = mosaic.block_members[static_cast<std::size_t>(block)];
    members.insert(reaching.begin(), reaching.end());
  }
  std::int64_t bytes = 0;
  for (int const member : members) {
    int const record = mosaic.request.members[static_cast<std::size_t>(member)];
    bytes += plan.request.inventory.records[static_cast<std::size_t>(record)].file_bytes;
  }
  return bytes;
}

std::string ranks_table(RunPlan const& plan) {
  std::vector<steps::MosaicPlan const*> mosaics;
  for (auto const& mosaic : plan.mosaics) mosaics.push_back(&mosaic);
  auto const runs = steps::divide_blocks(mosaics, plan.ranks);
  std::vector<double> loads;
  std::string text = fmt::format("{:>5} {:>8} {:>10} {:>8} {:>10} {:>10} {:>10}  {}\n", "rank", "blocks", "share",
                                 "waves", "memory", "reads <=", "writes", "mosaics");
  double total = 0;
  for (auto const& mosaic : plan.mosaics)
    for (double const cost : mosaic.block_cost) total += cost;
  for (std::size_t rank = 0; rank < runs.size(); ++rank) {
    std::int64_t blocks = 0, waves = 0, memory = 0, read = 0, written = 0;
    double load = 0;
    std::string names;
    for (auto const& run : runs[rank]) {
      auto const& mosaic = plan.mosaics[static_cast<std::size_t>(run.mosaic)];
      auto const count = static_cast<std::int64_t>(run.end - run.begin);
      auto const division = steps::divide_memory(mosaic, plan.request.inventory.records, plan.memory_per_rank,
                                                 plan.program_bytes, compute::thread_count());
      blocks += count;
      auto const cut =
          steps::cut_waves(mosaic, std::span(mosaic.order).subspan(run.begin, run.end - run.begin), division);
      waves += static_cast<std::int64_t>(cut.size());
      for (auto const& wave : cut) read += bytes_of_wave(plan, mosaic, wave);
      auto const all_blocks = static_cast<std::int64_t>(mosaic.order.size());
      written += (mosaic.bytes_hdf5() + mosaic.bytes_fits()) / all_blocks * count;
      for (auto const& wave : cut)
        memory = std::max(memory, division.fixed_bytes + division.exposure_bytes +
                                      division.block_bytes * static_cast<std::int64_t>(wave.reached.size()));
      for (std::size_t k = run.begin; k < run.end; ++k)
        load += mosaic.block_cost[static_cast<std::size_t>(mosaic.order[k])];
      names += (names.empty() ? "" : ", ") + steps::i2d_path(mosaic).stem().string();
    }
    loads.push_back(load);
    if (names.size() > 60) names = names.substr(0, 57) + "...";
    if (rank < 32 || rank + 1 == runs.size())
      text += fmt::format("{:>5} {:>8} {:>9.1f}% {:>8} {:>10} {:>10} {:>10}  {}\n", rank, blocks,
                          total > 0 ? 100 * load / total : 0, waves, format_bytes(memory), format_bytes(read),
                          format_bytes(written), names);
    else if (rank == 32)
      text += "  ...\n";
  }
  text += fmt::format("imbalance (largest share over mean): {:.3f}\n", parallel::imbalance(loads));
  return text;
}

}  // namespace

std::string describe(RunPlan const& plan) {
  std::string text;
  auto const& request = plan.request;
  text += fmt::format("plan for {} rank{}, {} thread{} each, {} of memory a rank\n\n", plan.ranks,
                      plan.ranks == 1 ? "" : "s", compute::thread_count(), compute::thread_count() == 1 ? "" : "s",
                      format_bytes(plan.memory_per_rank));
  if (!plan.mosaics.empty()) text += mosaics_table(plan) + "\n";
  if (!plan.mosaics.empty() && request.missing.empty()) text += ranks_table(plan) + "\n";
  text += fmt::format("reads at least {}, writes {} (of which {} while running)\n", format_bytes(plan.bytes_to_read),
                      format_bytes(plan.bytes_to_write), [&] {
                        std::int64_t scratch = 0;
                        for (auto const& mosaic : plan.mosaics) scratch += mosaic.bytes_hdf5();
                        return format_bytes(scratch);
                      }());
  for (auto const& warning : request.warnings) text += "note: " + warning + "\n";
  for (auto const& note : request.inventory.notes) text += fmt::format("note: {}: {}\n", note.path, note.text);
  for (auto const& broken : request.inventory.broken) text += fmt::format("quarantined: {}\n", broken.text);
  for (auto const& line : request.missing) text += "cannot run: " + line + "\n";
  return text;
}

}  // namespace tessera::pipeline
