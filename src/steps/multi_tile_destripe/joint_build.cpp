#include "joint_build.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>

#include "tessera/compute/session.hpp"
#include "tessera/compute/views.hpp"
#include "tessera/core/error.hpp"
#include "tessera/kernels/reproject.hpp"

namespace tessera::steps {

namespace {

using exchange::StripeBlock;
using exchange::StripeCells;

constexpr float NaN = std::numeric_limits<float>::quiet_NaN();
constexpr std::int64_t BlockPixels = std::int64_t{model::BlockSize} * model::BlockSize;
/// Reprojected SCI and VAR_RNOISE and nearest bad pixels of a block on a thread.
constexpr std::int64_t ScratchBytesOfPixel = 4 + 4 + 1;

std::vector<int> const& members_of(DestripeTask const& task, std::int64_t block) {
  return task.plan.block_members[static_cast<std::size_t>(block)];
}

/// An exposure ready to be laid on the sky: what is not measured is NaN.
struct JointInput {
  exchange::LoadedExposure image;
  StripeLayout layout;
  sky::GridToExposure on_grid;
  float weight = 1;  ///< where there is no read noise
};

JointInput prepare(StepContext const& context, DestripeTask const& task, std::size_t member, StepCounts& counts) {
  auto exposure = load_for_pass(context, task, member, {}, task.options.weight == DestripeWeight::ReadNoise);
  counts.bytes_read += exposure.bytes_read;
  JointInput input{std::move(exposure.image), std::move(exposure.layout), {}, 1};
  auto& image = input.image;
  for (std::int64_t y = 0; y < image.ny; ++y)
    for (std::int64_t x = 0; x < image.nx; ++x) {
      auto const k = static_cast<std::size_t>(y * image.nx + x);
      if ((input.layout.turned ? y : x) < input.layout.first_column) image.bad[k] = 1;
      if (image.bad[k]) image.sci[k] = NaN;
    }
  input.on_grid = sky::map_grid_to_exposure(*image.wcs, image.nx, image.ny, task.plan.grid);
  if (double const seconds = task.facts[member].exposure_time;
      task.options.weight == DestripeWeight::ExposureTime && seconds > 0)
    input.weight = static_cast<float>(seconds);
  return input;
}

/// The stripe of the turned position and how much of the next one; weight 0 where two amplifiers are mixed.
struct StripePlace {
  bool is_one_amplifier = false;
  std::uint16_t stripe = 0, fraction = 0;
};

StripePlace find_place(StripeLayout const& layout, double column, double row) {
  auto const left = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(column)), 0, layout.nx - 1);
  auto const right = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::ceil(column)), 0, layout.nx - 1);
  auto const amplifier_of = [&](std::int64_t x) {
    return std::upper_bound(layout.bounds.begin(), layout.bounds.end(), x) - layout.bounds.begin() - 1;
  };
  auto const amplifier = amplifier_of(left);
  auto const lower = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(row)), 0, layout.ny - 2);
  double const fraction = std::clamp(row - static_cast<double>(lower), 0.0, 1.0);
  return {amplifier == amplifier_of(right), static_cast<std::uint16_t>(amplifier * layout.ny + lower),
          static_cast<std::uint16_t>(std::lround(fraction * StripeCells::FractionUnit))};
}

/// Leaves out the outer rows and columns without weight.
void trim(StripeCells& cells) {
  auto const& box = cells.box;
  model::PixelBox kept{box.x1, box.y1, box.x0, box.y0};
  for (auto y = box.y0; y < box.y1; ++y)
    for (auto x = box.x0; x < box.x1; ++x) {
      if (cells.weight[static_cast<std::size_t>((y - box.y0) * box.width() + x - box.x0)] == 0) continue;
      kept = {std::min(kept.x0, x), std::min(kept.y0, y), std::max(kept.x1, x + 1), std::max(kept.y1, y + 1)};
    }
  if (kept.empty()) kept = {};
  if (kept == box) return;
  auto const cut = [&](auto& values) {
    std::remove_reference_t<decltype(values)> part;
    part.reserve(static_cast<std::size_t>(kept.width() * kept.height()));
    for (auto y = kept.y0; y < kept.y1; ++y) {
      auto const from = values.begin() + (y - box.y0) * box.width() + (kept.x0 - box.x0);
      part.insert(part.end(), from, from + kept.width());
    }
    values = std::move(part);
  };
  cut(cells.value);
  cut(cells.stripe);
  cut(cells.fraction);
  cut(cells.weight);
  cells.box = kept;
}

/// The exposure on a block; nothing where it has no data there.
void add_to_block(JointInput const& input, std::size_t member, StripeBlock& block) {
  auto const& to = input.on_grid;
  auto const& image = input.image;
  StripeCells cells;
  cells.exposure = static_cast<int>(member);
  cells.box = model::intersect(block.box, to.box);
  if (cells.box.empty() || input.layout.ny < 2) return;
  model::PixelBox const target{cells.box.x0 - to.box.x0, cells.box.y0 - to.box.y0, cells.box.x1 - to.box.x0,
                               cells.box.y1 - to.box.y0};
  model::PixelBox const whole{0, 0, image.nx, image.ny};
  auto const pixels = static_cast<std::size_t>(target.width() * target.height());
  thread_local std::vector<float> noise;
  thread_local std::vector<std::uint8_t> bad;
  bad.resize(pixels);
  noise.assign(pixels, 1 / input.weight);
  cells.value.resize(pixels);
  kernels::reproject_interp({image.sci.data(), whole, image.nx, image.ny}, to.map, target, cells.value.data());
  kernels::reproject_nearest(image.bad.data(), image.nx, image.ny, to.map, target, bad.data());
  if (!image.var_rnoise.empty())
    kernels::reproject_interp({image.var_rnoise.data(), whole, image.nx, image.ny}, to.map, target, noise.data());

  cells.stripe.resize(pixels);
  cells.fraction.resize(pixels);
  cells.weight.resize(pixels);
  auto const width = static_cast<std::size_t>(target.width());
  std::vector<double> X(width), Y(width);
  bool has_data = false;
  for (std::int64_t row = 0; row < target.height(); ++row) {
    to.map.evaluate_row(target.y0 + row, target.x0, target.x1, X.data(), Y.data());
    for (std::size_t x = 0; x < width; ++x) {
      std::size_t const k = static_cast<std::size_t>(row) * width + x;
      if (bad[k] || !std::isfinite(cells.value[k]) || !(noise[k] > 0)) continue;
      auto const place =
          input.layout.turned ? find_place(input.layout, Y[x], X[x]) : find_place(input.layout, X[x], Y[x]);
      if (!place.is_one_amplifier) continue;
      cells.stripe[k] = place.stripe;
      cells.fraction[k] = place.fraction;
      cells.weight[k] = exchange::pack_weight(1 / noise[k]);
      has_data = has_data || cells.weight[k] != 0;
    }
  }
  if (!has_data) return;
  trim(cells);
  block.exposures.push_back(std::move(cells));
}

/// The exposure on all blocks of a wave that it reaches, each by one thread.
void add_to_wave(JointInput const& input, std::size_t member, std::vector<std::size_t> const& reached,
                 std::vector<StripeBlock>& wave) {
  std::vector<std::exception_ptr> failures(reached.size());  // an exception may not leave a parallel region
  using Policy = Kokkos::RangePolicy<compute::HostExecution, Kokkos::Schedule<Kokkos::Dynamic>>;
  Kokkos::parallel_for("tessera::build_joint_cells", Policy(0, reached.size()).set_chunk_size(1),
                       [&](std::size_t const k) {
                         try {
                           add_to_block(input, member, wave[reached[k]]);
                         } catch (...) {
                           failures[k] = std::current_exception();
                         }
                       });
  for (auto const& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

/// Blocks that are resident together.
std::vector<std::vector<std::int64_t>> cut_cell_waves(DestripeTask const& task, std::span<std::int64_t const> blocks,
                                                      std::int64_t bytes) {
  std::vector<std::vector<std::int64_t>> waves;
  std::int64_t left = 0;
  for (auto const block : blocks) {
    auto const needed = joint_cells_bytes(task, std::span(&block, 1));
    if (waves.empty() || needed > left) {
      waves.emplace_back();
      left = bytes;
    }
    waves.back().push_back(block);
    left -= needed;
  }
  return waves;
}

}  // namespace

std::vector<exchange::StripedExposure> striped_exposures(StepContext const& context, DestripeTask const& task,
                                                         int first, int end) {
  std::vector<exchange::StripedExposure> exposures;
  for (int member = first; member < end; ++member) {
    auto const& record = task.record(context, static_cast<std::size_t>(member));
    auto const layout = find_stripe_layout(store::ExposureReader(record, task.task->before), task.options.quadrants);
    auto const amplifiers = static_cast<std::int64_t>(layout.bounds.size()) - 1;
    if (amplifiers * layout.ny > std::numeric_limits<std::uint16_t>::max())
      throw InputError({.what = "the exposure has more rows than the joint solution can count",
                        .where = record.path,
                        .expected = fmt::format("at most {}", std::numeric_limits<std::uint16_t>::max() / amplifiers),
                        .found = fmt::format("{}", layout.ny),
                        .remedy = "set destriping_method = \"two_pass\""});
    exposures.push_back({static_cast<int>(amplifiers), static_cast<int>(layout.ny)});
  }
  return exposures;
}

std::int64_t joint_cells_bytes(DestripeTask const& task, std::span<std::int64_t const> blocks) {
  std::int64_t bytes = 0;
  for (auto const block : blocks) {
    auto const box = task.plan.grid.blocks().box(block);
    auto const exposures = static_cast<std::int64_t>(members_of(task, block).size());
    bytes += exposures * box.width() * box.height() * exchange::StripeCellBytes;
  }
  return bytes;
}

std::int64_t joint_exposure_bytes(StepContext const& context, DestripeTask const& task) {
  std::int64_t bytes = 0;
  for (std::size_t member = 0; member < task.members.size(); ++member) {
    auto const& record = task.record(context, member);
    bytes = std::max(bytes, exchange::loaded_exposure_bytes(record));
  }
  return bytes + ScratchBytesOfPixel * BlockPixels * compute::thread_count();
}

bool build_joint_cells(StepContext& context, DestripeTask const& task, std::span<std::int64_t const> blocks,
                       std::int64_t wave_bytes, MemberGuard const& guard, JointCells& cells,
                       parallel::Progress& progress, StepCounts& counts) {
  for (auto const& wave : cut_cell_waves(task, blocks, wave_bytes)) {
    std::vector<StripeBlock> resident(wave.size());
    std::vector<std::vector<std::size_t>> reached(task.members.size());  // [member]: blocks of the wave
    for (std::size_t k = 0; k < wave.size(); ++k) {
      resident[k].box = task.plan.grid.blocks().box(wave[k]);
      for (int const member : members_of(task, wave[k])) reached[static_cast<std::size_t>(member)].push_back(k);
    }
    for (std::size_t member = 0; member < reached.size(); ++member) {
      if (reached[member].empty()) continue;
      if (context.control.poll() >= parallel::StopRequest::FinishItems) return false;
      if (task.lost[member]) continue;
      guard(member, [&] { add_to_wave(prepare(context, task, member, counts), member, reached[member], resident); });
    }
    for (auto& block : resident) cells.add(std::move(block));
    progress.advance(static_cast<std::int64_t>(wave.size()));
  }
  return true;
}

}  // namespace tessera::steps
