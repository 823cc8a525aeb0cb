#include "stack_average.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>

#include "tessera/compute/session.hpp"
#include "tessera/compute/views.hpp"
#include "tessera/parallel/control.hpp"

namespace tessera::steps {

namespace {

using kernels::PixelStack;
constexpr float NaN = std::numeric_limits<float>::quiet_NaN();
constexpr std::int64_t BlockPixels = std::int64_t{model::BlockSize} * model::BlockSize;

std::int64_t bytes_of_pixel(exchange::SkyPlan const& plan, std::int64_t block, kernels::StackMethod method) {
  auto const members = static_cast<std::int64_t>(plan.block_members[static_cast<std::size_t>(block)].size());
  return PixelStack<float>::bytes_of_pixel(method) + members * PixelStack<float>::bytes_of_value(method);
}

/// What adding an exposure to a band takes on each thread: values, weights, nearest bad pixels.
constexpr std::int64_t ScratchBytesOfPixel = 4 + 4 + 1 + 4;

/// An exposure as it goes into the stack: bad pixels are NaN.
struct StackInput {
  exchange::LoadedExposure image;
  sky::GridToExposure on_grid;
  float weight = 1;  ///< where there is no read noise
};

StackInput prepare(StepContext const& context, DestripeTask const& task, std::size_t member, DestripePass const& pass,
                   StepCounts& counts) {
  auto exposure = load_for_pass(context, task, member, pass, task.reads_noise());
  counts.bytes_read += exposure.bytes_read;
  // After pass A the amplifiers are level.
  if (!pass.is_large_scale && exposure.layout.has_amplifiers())
    subtract_profile(profile_of_levels(exposure.layout, find_amplifier_levels(exposure)), exposure.layout,
                     exposure.image.sci);
  StackInput input{std::move(exposure.image), {}, 1};
  double const level = task.level.empty() ? 0 : task.level[member];
  for (std::size_t k = 0; k < input.image.sci.size(); ++k)
    input.image.sci[k] = input.image.bad[k] ? NaN : static_cast<float>(static_cast<double>(input.image.sci[k]) - level);
  input.on_grid = sky::map_grid_to_exposure(*input.image.wcs, input.image.nx, input.image.ny, task.plan.grid);
  if (double const seconds = task.facts[member].exposure_time;
      task.options.weight == DestripeWeight::ExposureTime && seconds > 0)
    input.weight = static_cast<float>(seconds);
  return input;
}

/// Puts `part` of an image of `box`, or NaN elsewhere.
void paste(std::vector<float> const& part, model::PixelBox const& part_box, model::PixelBox const& box,
           std::vector<float>& image) {
  image.assign(static_cast<std::size_t>(box.width() * box.height()), NaN);
  for (auto y = part_box.y0; y < part_box.y1; ++y)
    std::copy_n(part.begin() + (y - part_box.y0) * part_box.width(), part_box.width(),
                image.begin() + (y - box.y0) * box.width() + (part_box.x0 - box.x0));
}

void add_to_band(StackInput const& input, StackBand const& band, kernels::Reprojection method,
                 PixelStack<float>& stack) {
  auto const& to = input.on_grid;
  auto const overlap = model::intersect(band.box, to.box);
  if (overlap.empty()) return;
  model::PixelBox const target{overlap.x0 - to.box.x0, overlap.y0 - to.box.y0, overlap.x1 - to.box.x0,
                               overlap.y1 - to.box.y0};
  auto const& image = input.image;
  model::PixelBox const whole{0, 0, image.nx, image.ny};
  thread_local std::vector<float> part, values, weights;
  thread_local std::vector<std::uint8_t> bad;
  auto const pixels = static_cast<std::size_t>(overlap.width() * overlap.height());
  part.resize(pixels);
  bad.resize(pixels);
  kernels::reproject(method, {image.sci.data(), whole, image.nx, image.ny}, to.map, target, part.data());
  kernels::reproject_nearest(image.bad.data(), image.nx, image.ny, to.map, target, bad.data());
  bool has_data = false;
  for (std::size_t k = 0; k < pixels; ++k) {
    if (bad[k] || part[k] == 0) part[k] = NaN;
    has_data = has_data || std::isfinite(part[k]);
  }
  if (!has_data) return;
  paste(part, overlap, band.box, values);
  if (image.var_rnoise.empty()) {
    weights.assign(values.size(), input.weight);
  } else {
    kernels::reproject(method, {image.var_rnoise.data(), whole, image.nx, image.ny}, to.map, target, part.data());
    for (float& value : part) value = value > 0 ? 1 / value : 0.0f;
    paste(part, overlap, band.box, weights);
  }
  stack.add(values, weights);
}

/// All bands of a wave get the exposure, each by one thread.
void add_to_wave(StackInput const& input, std::vector<std::size_t> const& bands, std::vector<StackBand> const& wave,
                 kernels::Reprojection method, std::vector<PixelStack<float>>& stacks) {
  std::vector<std::exception_ptr> failures(bands.size());  // an exception may not leave a parallel region
  using Policy = Kokkos::RangePolicy<compute::HostExecution, Kokkos::Schedule<Kokkos::Dynamic>>;
  Kokkos::parallel_for("tessera::stack_average", Policy(0, bands.size()).set_chunk_size(1), [&](std::size_t const k) {
    try {
      add_to_band(input, wave[bands[k]], method, stacks[bands[k]]);
    } catch (...) {
      failures[k] = std::current_exception();
    }
  });
  for (auto const& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

}  // namespace

std::vector<std::vector<StackBand>> cut_stack_waves(exchange::SkyPlan const& plan, std::span<std::int64_t const> blocks,
                                                    kernels::StackMethod method, std::int64_t bytes) {
  std::vector<std::vector<StackBand>> waves;
  std::int64_t left = 0;
  for (auto const block : blocks) {
    auto const box = plan.grid.blocks().box(block);
    auto const row_bytes = box.width() * bytes_of_pixel(plan, block, method);
    auto const rows = std::clamp<std::int64_t>(bytes / row_bytes, 1, box.height());
    for (auto y = box.y0; y < box.y1; y += rows) {
      StackBand const band{block, {box.x0, y, box.x1, std::min(y + rows, box.y1)}};
      auto const needed = band.box.height() * row_bytes;
      if (waves.empty() || needed > left) {
        waves.emplace_back();
        left = bytes;
      }
      waves.back().push_back(band);
      left -= needed;
    }
  }
  return waves;
}

bool stack_average(StepContext& context, DestripeTask const& task, DestripePass const& pass,
                   std::span<std::int64_t const> blocks, BlockImageWriter& writer, parallel::Progress& progress,
                   StepCounts& counts) {
  std::int64_t exposure_bytes = 0;
  for (std::size_t k = 0; k < task.members.size(); ++k)
    exposure_bytes = std::max(exposure_bytes, exchange::loaded_exposure_bytes(task.record(context, k)));
  std::int64_t const scratch = ScratchBytesOfPixel * BlockPixels * compute::thread_count();
  parallel::MemoryBudget::Reservation const reading(context.budget, "stack of " + task.task->label() + ": an exposure",
                                                    exposure_bytes + scratch);
  std::int64_t const most = BlockPixels * 16;  // a block of a mean: what a wave must be able to hold
  auto const waves = cut_stack_waves(task.plan, blocks, task.options.stack, std::max(most, context.budget.free() / 2));
  for (auto const& wave : waves) {
    std::int64_t bytes = 0;
    std::vector<PixelStack<float>> stacks;
    std::vector<std::vector<std::size_t>> bands_of(task.members.size());
    for (std::size_t k = 0; k < wave.size(); ++k) {
      auto const pixels = wave[k].box.width() * wave[k].box.height();
      bytes += pixels * bytes_of_pixel(task.plan, wave[k].block, task.options.stack);
      for (int const member : task.plan.block_members[static_cast<std::size_t>(wave[k].block)])
        bands_of[static_cast<std::size_t>(member)].push_back(k);
    }
    parallel::MemoryBudget::Reservation const resident(context.budget, "stack of " + task.task->label(), bytes);
    for (auto const& band : wave) stacks.emplace_back(band.box.width() * band.box.height(), task.options.stack);
    for (std::size_t member = 0; member < bands_of.size(); ++member) {
      if (bands_of[member].empty() || task.lost[member]) continue;
      if (context.control.poll() >= parallel::StopRequest::FinishItems) return false;
      auto const input = prepare(context, task, member, pass, counts);
      add_to_wave(input, bands_of[member], wave, task.options.reprojection, stacks);
    }
    for (std::size_t k = 0; k < wave.size(); ++k) {
      writer.write(wave[k].block, wave[k].box, stacks[k].finish(task.options.sigma, task.options.maxiters));
      counts.bytes_written += wave[k].box.width() * wave[k].box.height() * 4;
      if (wave[k].box.y1 == task.plan.grid.blocks().box(wave[k].block).y1) progress.advance();
    }
  }
  return true;
}

}  // namespace tessera::steps
