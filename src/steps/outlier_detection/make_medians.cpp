#include "make_medians.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "detector_rows.hpp"
#include "drizzle_group.hpp"
#include "median_file.hpp"
#include "tessera/compute/views.hpp"
#include "tessera/core/log.hpp"
#include "tessera/kernels/nan_median.hpp"

namespace tessera::steps {

namespace {

using parallel::StopRequest;

constexpr float NaN = std::numeric_limits<float>::quiet_NaN();

/// Images of the groups on one block, or on some rows of it.
struct Stack {
  model::PixelBox box;
  std::vector<std::vector<float>> planes;

  void add(std::vector<float> plane) {
    bool const has_data = std::any_of(plane.begin(), plane.end(), [](float value) { return value == value; });
    if (has_data) planes.push_back(std::move(plane));
  }
};

void mask_low_weights(std::vector<float>& values, std::vector<float> const& weights, double threshold) {
  for (std::size_t k = 0; k < values.size(); ++k)
    if (static_cast<double>(weights[k]) < threshold || weights[k] == 0) values[k] = NaN;
}

/// Medians of all stacks; threads share rows of all of them.
std::vector<std::vector<float>> take_medians(std::vector<Stack> const& stacks) {
  std::vector<std::vector<float>> medians;
  std::vector<std::vector<float const*>> planes(stacks.size());
  struct Piece {
    std::size_t stack, begin, count;
  };
  std::vector<Piece> pieces;
  for (std::size_t s = 0; s < stacks.size(); ++s) {
    auto const count = static_cast<std::size_t>(stacks[s].box.width() * stacks[s].box.height());
    medians.emplace_back(count);
    for (auto const& plane : stacks[s].planes) planes[s].push_back(plane.data());
    constexpr std::size_t PiecePixels = 16384;
    for (std::size_t begin = 0; begin < count; begin += PiecePixels)
      pieces.push_back({s, begin, std::min(PiecePixels, count - begin)});
  }
  using Policy = Kokkos::RangePolicy<compute::HostExecution, Kokkos::Schedule<Kokkos::Dynamic>>;
  Kokkos::parallel_for("tessera::take_medians", Policy(0, pieces.size()).set_chunk_size(1), [&](std::size_t k) {
    auto const& piece = pieces[k];
    std::vector<float const*> from;
    for (auto const* plane : planes[piece.stack]) from.push_back(plane + piece.begin);
    kernels::nan_median(from.data(), static_cast<std::int64_t>(from.size()), static_cast<std::int64_t>(piece.count),
                        medians[piece.stack].data() + piece.begin);
  });
  return medians;
}

/// The part of a block's rows [y0, y1) of its pixels.
std::vector<float> cut_rows(std::vector<float> values, model::PixelBox const& block, model::PixelBox const& rows) {
  if (rows == block) return values;
  auto const begin = values.begin() + (rows.y0 - block.y0) * block.width();
  return {begin, begin + rows.width() * rows.height()};
}

/// Drizzles every group onto the blocks and keeps the rows of `stacks`. False: a request to abandon.
bool stack_groups(OutlierPlan const& plan, std::span<std::int64_t const> blocks, exchange::ExposureDrizzler& drizzler,
                  std::vector<Stack>& stacks) {
  std::vector<std::vector<int>> by_group(plan.groups.size());
  for (int const position : exchange::positions_reaching(plan.sky, blocks))
    by_group[static_cast<std::size_t>(plan.group_of[static_cast<std::size_t>(position)])].push_back(position);
  for (std::size_t group = 0; group < by_group.size(); ++group) {
    auto const& positions = by_group[group];
    if (positions.empty() || std::isnan(plan.thresholds[group])) continue;
    std::vector<std::int64_t> reached;
    std::vector<Stack*> targets;
    for (std::size_t k = 0; k < blocks.size(); ++k) {
      auto const& reaching = plan.sky.block_members[static_cast<std::size_t>(blocks[k])];
      bool const is_reached = std::any_of(positions.begin(), positions.end(), [&](int position) {
        return std::binary_search(reaching.begin(), reaching.end(), position);
      });
      if (!is_reached) continue;
      reached.push_back(blocks[k]);
      targets.push_back(&stacks[k]);
    }
    auto accumulators = make_accumulators(plan, reached);
    if (!drizzler.add(positions, reached, accumulators)) return false;
    finish_blocks(std::move(accumulators), [&](std::size_t k, kernels::DrizzledBlock block) {
      mask_low_weights(block.sci, block.wht, plan.thresholds[group]);
      targets[k]->add(cut_rows(std::move(block.sci), block.box, targets[k]->box));
    });
  }
  return true;
}

/// Planes that a block's stack may come to: groups with an exposure that reaches it.
std::int64_t depth_of(OutlierPlan const& plan, std::int64_t block) {
  std::vector<int> groups;
  for (int const position : plan.sky.block_members[static_cast<std::size_t>(block)])
    groups.push_back(plan.group_of[static_cast<std::size_t>(position)]);
  std::sort(groups.begin(), groups.end());
  return std::unique(groups.begin(), groups.end()) - groups.begin();
}

/// One block that is too deep for the memory: drizzled again for every few rows of its stack.
bool median_by_rows(OutlierPlan const& plan, OutlierMemory const& memory, std::int64_t block,
                    exchange::ExposureDrizzler& drizzler, std::vector<float>& median) {
  auto const box = plan.block_box(block);
  std::int64_t const row_bytes = depth_of(plan, block) * box.width() * static_cast<std::int64_t>(sizeof(float));
  std::int64_t const rows =
      std::clamp<std::int64_t>((memory.wave_bytes - accumulator_bytes(plan)) / row_bytes, 1, box.height());
  log::debug("outlier_detection {}: block {} is {} groups deep: {} rows at a time", plan.task->label(), block,
             depth_of(plan, block), rows);
  for (std::int64_t y0 = box.y0; y0 < box.y1; y0 += rows) {
    std::vector<Stack> stacks(1);
    stacks[0].box = {box.x0, y0, box.x1, std::min(y0 + rows, box.y1)};
    if (!stack_groups(plan, std::span(&block, 1), drizzler, stacks)) return false;
    auto const part = take_medians(stacks).front();
    median.insert(median.end(), part.begin(), part.end());
  }
  return true;
}

/// A strip of the detector, in groups of rows that fit: every exposure's rows are read once.
bool median_of_strip(StepContext& context, OutlierPlan const& plan, OutlierMemory const& memory, std::int64_t block,
                     std::vector<float>& median, StepCounts& counts) {
  auto const box = plan.block_box(block);
  auto const& members = plan.sky.block_members[static_cast<std::size_t>(block)];
  std::int64_t const row_bytes =
      static_cast<std::int64_t>(members.size()) * box.width() * static_cast<std::int64_t>(sizeof(float));
  std::int64_t const rows = std::clamp<std::int64_t>(memory.wave_bytes / row_bytes, 1, box.height());
  model::RowBand band;
  std::vector<float> weight;
  for (std::int64_t y0 = box.y0; y0 < box.y1; y0 += rows) {
    std::vector<Stack> stacks(1);
    stacks[0].box = {box.x0, y0, box.x1, std::min(y0 + rows, box.y1)};
    for (int const position : members) {
      if (context.control.poll() >= StopRequest::Abandon) return false;
      auto const group = static_cast<std::size_t>(plan.group_of[static_cast<std::size_t>(position)]);
      if (std::isnan(plan.thresholds[group])) continue;
      store::ExposureReader const reader(plan.record(context, position), plan.task->before);
      read_weighted_rows(plan, reader, y0, stacks[0].box.y1, band, weight);
      mask_low_weights(band.sci, weight, plan.thresholds[group]);
      stacks[0].add(band.sci);
      counts.bytes_read += reader.bytes_read();
    }
    auto const part = take_medians(stacks).front();
    median.insert(median.end(), part.begin(), part.end());
  }
  return true;
}

/// Blocks whose accumulators and stacks fit together, row by row of the grid.
std::vector<std::vector<std::int64_t>> cut_median_waves(OutlierPlan const& plan, OutlierMemory const& memory,
                                                        std::span<std::int64_t const> blocks) {
  std::vector<std::int64_t> sorted(blocks.begin(), blocks.end());
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::vector<std::int64_t>> waves;
  std::int64_t held = 0;
  for (auto const block : sorted) {
    std::int64_t const bytes = accumulator_bytes(plan) + depth_of(plan, block) * StackPlaneBytes;
    if (waves.empty() || held + bytes > memory.wave_bytes || !plan.options.resample_data) {
      waves.emplace_back();
      held = 0;
    }
    waves.back().push_back(block);
    held += bytes;
  }
  return waves;
}

}  // namespace

bool make_medians(StepContext& context, OutlierPlan const& plan, OutlierMemory const& memory,
                  std::span<std::int64_t const> blocks, io::Hdf5File& file, exchange::BlockJournal const& journal,
                  parallel::Progress& progress, StepCounts& counts) {
  auto drizzler = make_drizzler(context, plan, memory);
  for (auto const& wave : cut_median_waves(plan, memory, blocks)) {
    if (context.control.poll() >= StopRequest::FinishItems) return false;
    std::vector<std::vector<float>> medians(1);
    bool const is_deep = accumulator_bytes(plan) + depth_of(plan, wave.front()) * StackPlaneBytes > memory.wave_bytes;
    if (!plan.options.resample_data) {
      if (!median_of_strip(context, plan, memory, wave.front(), medians[0], counts)) return false;
    } else if (is_deep) {
      if (!median_by_rows(plan, memory, wave.front(), drizzler, medians[0])) return false;
    } else {
      std::vector<Stack> stacks(wave.size());
      for (std::size_t k = 0; k < wave.size(); ++k) stacks[k].box = plan.block_box(wave[k]);
      if (!stack_groups(plan, wave, drizzler, stacks)) return false;
      medians = take_medians(stacks);
    }
    for (std::size_t k = 0; k < wave.size(); ++k) {
      write_median(file, plan, wave[k], medians[k]);
      counts.bytes_written += static_cast<std::int64_t>(medians[k].size() * sizeof(float));
    }
    journal.append(wave);
    progress.advance(static_cast<std::int64_t>(wave.size()));
    counts.items += static_cast<std::int64_t>(wave.size());
  }
  counts.bytes_read += drizzler.bytes_read();
  return true;
}

}  // namespace tessera::steps
