#include "group_threshold.hpp"

#include <algorithm>

#include "detector_rows.hpp"
#include "drizzle_group.hpp"
#include "tessera/core/error.hpp"
#include "tessera/kernels/weight_threshold.hpp"
#include "weight_store.hpp"

namespace tessera::steps {

namespace {

/// The exposure that failed, with what it said.
struct ExposureFailure {
  LostExposure lost;
};

std::vector<float> without_zeros(std::vector<float> const& weights) {
  std::vector<float> kept;
  kept.reserve(weights.size());
  for (float const weight : weights)
    if (weight != 0) kept.push_back(weight);
  return kept;
}

/// Weights of the group's exposures `positions` on the sky. False: a request to abandon. Throws ExposureFailure.
bool drizzle_weights(OutlierPlan const& plan, std::vector<int> const& positions, OutlierMemory const& memory,
                     exchange::ExposureDrizzler& drizzler, WeightStore& store) {
  auto const blocks = blocks_under(plan, positions);
  auto const most = static_cast<std::size_t>(memory.weighed_blocks);
  for (std::size_t begin = 0; begin < blocks.size(); begin += most) {
    std::span<std::int64_t const> const wave(blocks.data() + begin, std::min(most, blocks.size() - begin));
    auto accumulators = make_accumulators(plan, wave);
    for (int const position : positions) {
      try {
        if (!drizzler.add(std::span(&position, 1), wave, accumulators)) return false;
      } catch (Error const& error) {
        if (error.status() == ExitStatus::InternalError) throw;  // a bug is no failure of an exposure
        throw ExposureFailure{{position, error.what(), static_cast<int>(error.status())}};
      }
    }
    finish_blocks(std::move(accumulators),
                  [&](std::size_t, kernels::DrizzledBlock block) { store.add(without_zeros(block.wht)); });
  }
  return true;
}

/// Weights of one exposure on its detector. Throws ExposureFailure.
void read_weights(StepContext const& context, OutlierPlan const& plan, int position, OutlierMemory const& memory,
                  WeightStore& store, std::int64_t& bytes_read) {
  try {
    auto const& record = plan.record(context, position);
    store::ExposureReader const reader(record, plan.task->before);
    model::RowBand band;
    std::vector<float> weight;
    for (std::int64_t y0 = 0; y0 < record.ny; y0 += memory.rows) {
      read_weighted_rows(plan, reader, y0, std::min(y0 + memory.rows, record.ny), band, weight);
      store.add(without_zeros(weight));
    }
    bytes_read += reader.bytes_read();
  } catch (InputError const& error) {
    throw ExposureFailure{{position, error.what(), static_cast<int>(error.status())}};
  }
}

}  // namespace

std::optional<GroupThreshold> find_group_threshold(StepContext& context, OutlierPlan const& plan, std::size_t group,
                                                   OutlierMemory const& memory) {
  GroupThreshold found;
  std::vector<int> positions;
  for (int const position : plan.groups[group])
    if (!plan.lost[static_cast<std::size_t>(position)]) positions.push_back(position);
  auto drizzler = make_drizzler(context, plan, memory);
  WeightStore store(plan.task->scratch / fmt::format("weights_{:05d}.tmp", context.world.rank()), memory.weight_bytes);
  // When an exposure fails its group starts anew without it.
  for (bool complete = false; !complete;) {
    try {
      store.clear();
      if (plan.options.resample_data) {
        if (!drizzle_weights(plan, positions, memory, drizzler, store)) return std::nullopt;
      } else {
        for (int const position : positions) read_weights(context, plan, position, memory, store, found.bytes_read);
      }
      complete = true;
    } catch (ExposureFailure const& failure) {
      found.lost.push_back(failure.lost);
      std::erase(positions, failure.lost.position);
    }
  }
  found.threshold = kernels::weight_threshold(
      [&](std::function<void(std::span<float const>)> const& take) { store.each_piece(take); }, plan.options.maskpt);
  found.bytes_read += drizzler.bytes_read();
  return found;
}

}  // namespace tessera::steps
