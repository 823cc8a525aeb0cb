#include "drizzle_wave.hpp"

#include <algorithm>
#include <cmath>

#include "tessera/core/dq.hpp"
#include "tessera/core/log.hpp"
#include "tessera/sky/make_pixel_map.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::steps {

namespace {

using model::Plane;

/// A block of the wave and the rows of the exposure it needs.
struct BlockRows {
  kernels::BlockAccumulator* accumulator;
  std::int64_t y0, y1;
};

/// Consecutive blocks whose rows together fit in the exposure buffer.
struct RowGroup {
  std::int64_t y0 = 0, y1 = 0;
  std::vector<kernels::BlockAccumulator*> accumulators;
};

/// Blocks are taken from the lowest row up. A block always sees all its rows at once, so the grouping cannot change
/// bits.
std::vector<RowGroup> group_by_rows(std::vector<BlockRows> blocks, std::int64_t rows_that_fit) {
  std::stable_sort(blocks.begin(), blocks.end(), [](BlockRows const& a, BlockRows const& b) { return a.y0 < b.y0; });
  std::vector<RowGroup> groups;
  for (auto const& block : blocks) {
    if (groups.empty() || std::max(groups.back().y1, block.y1) - groups.back().y0 > rows_that_fit)
      groups.push_back({block.y0, block.y1, {}});
    groups.back().y1 = std::max(groups.back().y1, block.y1);
    groups.back().accumulators.push_back(block.accumulator);
  }
  return groups;
}

/// Error of a pixel map, output pixels, that a person should hear of: it moves sources.
constexpr double PoorMap = 1e-3;

/// Lengths of one exposure's planes: kept from exposure to exposure so that memory is allocated once.
struct Buffers {
  model::RowBand band;
  std::vector<float> weight;
};

model::PlaneSet planes_to_read() {
  // A pixel that is NaN in any plane is no data (spec 30, 3.2 item 6), so all are read whether they are drizzled or
  // not.
  return {Plane::Sci, Plane::Err, Plane::Dq, Plane::Wht, Plane::VarPoisson, Plane::VarRnoise, Plane::VarFlat};
}

float const* data_or_null(std::vector<float> const& plane) { return plane.empty() ? nullptr : plane.data(); }

void read_with_one_more_try(store::ExposureReader const& reader, RowGroup const& rows, model::PlaneSet planes,
                            model::RowBand& band) {
  try {
    reader.read_rows(rows.y0, rows.y1, planes, band);
  } catch (Error const& error) {
    log::warn("{}: {}; trying once more", reader.record().path, error.what());
    reader.read_rows(rows.y0, rows.y1, planes, band);
  }
}

}  // namespace

bool drizzle_wave(StepContext& context, MosaicPlan const& plan, store::Ledger const& ledger,
                  ResampleMemory const& memory, std::span<std::int64_t const> blocks,
                  std::vector<kernels::BlockAccumulator>& accumulators, StepCounts& counts) {
  auto const& options = plan.request.options;
  auto const drizzle = options.drizzle(plan.grid.pixel_scale_ratio);
  auto const bad_bits = dq::bad_bits(options.good_bits);
  Buffers buffers;

  // Members that may reach the wave, in catalogue order.
  std::vector<int> members;
  for (auto const block : blocks) {
    auto const& reaching = plan.block_members[static_cast<std::size_t>(block)];
    members.insert(members.end(), reaching.begin(), reaching.end());
  }
  std::sort(members.begin(), members.end());
  members.erase(std::unique(members.begin(), members.end()), members.end());

  for (int const member : members) {
    if (context.control.poll() >= parallel::StopRequest::Abandon) return false;
    auto const& record =
        context.records[static_cast<std::size_t>(plan.request.members[static_cast<std::size_t>(member)])];
    store::ExposureReader const reader(record, ledger);
    auto const map = sky::make_pixel_map(*reader.wcs(), record.nx, record.ny, plan.grid);
    if (map.largest_error > PoorMap)
      log::warn("{}: its WCS is not smooth: positions on the mosaic are good to {:.2g} pixels only", record.path,
                map.largest_error);
    double const margin = kernels::reach(drizzle, sky::largest_magnification(map));

    std::vector<BlockRows> needs;
    for (std::size_t k = 0; k < blocks.size(); ++k) {
      auto const& reaching = plan.block_members[static_cast<std::size_t>(blocks[k])];
      if (!std::binary_search(reaching.begin(), reaching.end(), member)) continue;
      auto const box = sky::find_input_box(map, plan.grid.blocks().box(blocks[k]), margin);
      if (!box.empty()) needs.push_back({&accumulators[k], box.y0, box.y1});
    }

    kernels::ResampleWeightOptions weighting{options.weight_type, bad_bits, record.tmeasure.value_or(record.effexptm)};
    for (auto const& rows : group_by_rows(std::move(needs), memory.rows)) {
      read_with_one_more_try(reader, rows, planes_to_read(), buffers.band);
      kernels::prepare_for_resampling(buffers.band, record.sky_level.value_or(0), weighting, buffers.weight);
      kernels::DrizzleInput input;
      input.number = member;
      input.map = &map;
      input.y0 = rows.y0;
      input.y1 = rows.y1;
      input.data = buffers.band.sci.data();
      input.weight = buffers.weight.data();
      input.root_variance = {data_or_null(buffers.band.var_rnoise), data_or_null(buffers.band.var_flat),
                             data_or_null(buffers.band.var_poisson)};
      input.exposure_time = weighting.exposure_time;
      kernels::drizzle_onto_blocks(input, rows.accumulators);
    }
    counts.bytes_read += reader.bytes_read();
  }
  return true;
}

}  // namespace tessera::steps
