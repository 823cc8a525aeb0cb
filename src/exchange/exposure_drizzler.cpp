#include "tessera/exchange/exposure_drizzler.hpp"

#include <algorithm>

#include "tessera/core/log.hpp"
#include "tessera/sky/make_pixel_map.hpp"

namespace tessera::exchange {

namespace {

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

float const* data_or_null(std::vector<float> const& plane) { return plane.empty() ? nullptr : plane.data(); }

}  // namespace

void read_with_one_more_try(store::ExposureReader const& reader, std::int64_t y0, std::int64_t y1,
                            model::PlaneSet planes, model::RowBand& band) {
  try {
    reader.read_rows(y0, y1, planes, band);
  } catch (Error const& error) {
    log::warn("{}: {}; trying once more", reader.record().path, error.what());
    reader.read_rows(y0, y1, planes, band);
  }
}

ExposureRows exposure_rows(model::SkyGrid const& grid, std::span<int const> members,
                           std::vector<store::ExposureRecord> const& records) {
  ExposureRows rows;
  double coarsest = 0;  // input pixels an output pixel
  for (int const member : members) {
    auto const& record = records[static_cast<std::size_t>(member)];
    rows.widest = std::max(rows.widest, record.nx);
    rows.tallest = std::max(rows.tallest, record.ny);
    coarsest = std::max(coarsest, std::abs(grid.cdelt[0]) / record.native_scale_deg);
  }
  // A block needs at least the input rows under it: a square of BlockSize output pixels turned by 45 degrees, and the
  // reach of a drop on both sides.
  auto const diagonal = static_cast<std::int64_t>(1.5 * model::BlockSize * std::max(1.0, coarsest)) + 64;
  rows.least = std::min(rows.tallest, diagonal);
  return rows;
}

bool ExposureDrizzler::add(std::span<int const> positions, std::span<std::int64_t const> blocks,
                           std::vector<kernels::BlockAccumulator>& accumulators) {
  for (int const position : positions) {
    if (walk_.control.poll() >= parallel::StopRequest::Abandon) return false;
    add_exposure(position, blocks, accumulators);
  }
  return true;
}

ExposureDrizzler::OpenExposure const& ExposureDrizzler::open(int position) {
  auto const known =
      std::find_if(open_.begin(), open_.end(), [&](OpenExposure const& one) { return one.position == position; });
  if (known != open_.end()) {
    open_.splice(open_.begin(), open_, known);
    return open_.front();
  }
  auto const& record = walk_.records[static_cast<std::size_t>(walk_.members[static_cast<std::size_t>(position)])];
  store::ExposureReader reader(record, walk_.ledger);
  auto map = sky::make_pixel_map(*reader.wcs(), record.nx, record.ny, walk_.plan.grid);
  if (map.largest_error > PoorMap)
    log::warn("{}: its WCS is not smooth: positions on the mosaic are good to {:.2g} pixels only", record.path,
              map.largest_error);
  double const margin = kernels::reach(walk_.drizzle, sky::largest_magnification(map));
  while (!open_.empty() && open_.size() >= walk_.kept_open) open_.pop_back();
  open_.push_front({position, std::move(reader), std::move(map), margin});
  return open_.front();
}

void ExposureDrizzler::add_exposure(int position, std::span<std::int64_t const> blocks,
                                    std::vector<kernels::BlockAccumulator>& accumulators) {
  auto const& [number, reader, map, margin] = open(position);
  auto const& record = reader.record();
  auto const bytes_before = reader.bytes_read();

  std::vector<BlockRows> needs;
  for (std::size_t k = 0; k < blocks.size(); ++k) {
    auto const& reaching = walk_.plan.block_members[static_cast<std::size_t>(blocks[k])];
    if (!std::binary_search(reaching.begin(), reaching.end(), position)) continue;
    auto const box = sky::find_input_box(map, accumulators[k].box(), margin);
    if (!box.empty()) needs.push_back({&accumulators[k], box.y0, box.y1});
  }

  kernels::ResampleWeightOptions const weighting{walk_.weight_type, walk_.bad_bits,
                                                 record.tmeasure.value_or(record.effexptm)};
  for (auto const& rows : group_by_rows(std::move(needs), walk_.rows)) {
    read_with_one_more_try(reader, rows.y0, rows.y1, walk_.planes, band_);
    kernels::prepare_for_resampling(band_, reader.sky_level(), weighting, weight_);
    kernels::DrizzleInput input;
    input.number = number;
    input.map = &map;
    input.y0 = rows.y0;
    input.y1 = rows.y1;
    input.data = band_.sci.data();
    input.weight = weight_.data();
    input.root_variance = {data_or_null(band_.var_rnoise), data_or_null(band_.var_flat),
                           data_or_null(band_.var_poisson)};
    input.exposure_time = weighting.exposure_time;
    kernels::drizzle_onto_blocks(input, rows.accumulators);
  }
  bytes_read_ += reader.bytes_read() - bytes_before;
}

}  // namespace tessera::exchange
