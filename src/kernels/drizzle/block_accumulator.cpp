#include <exception>

#include "block_sums.hpp"
#include "target_block.hpp"
#include "tessera/compute/views.hpp"
#include "tessera/core/contract.hpp"

namespace tessera::kernels {

namespace {

struct ThreadScratch {
  drizzle::ExposureScratch cells;
  drizzle::InputRows rows;
};

/// Kept between exposures: a thread works on one block at a time.
ThreadScratch& thread_scratch() {
  thread_local ThreadScratch scratch;
  return scratch;
}

bool has_lobes(DrizzleOptions const& options) {
  return options.pixfrac > 0.001 &&
         (options.kernel == DrizzleKernel::Lanczos2 || options.kernel == DrizzleKernel::Lanczos3);
}

/// The kernel that is really used: very small drops are points.
DrizzleOptions effective(DrizzleOptions options) {
  if (options.pixfrac <= 0.001) options.kernel = DrizzleKernel::Point;
  return options;
}

}  // namespace

struct BlockAccumulator::State {
  State(model::PixelBox const& box, std::int64_t grid_nx, std::int64_t grid_ny, DrizzleOptions const& chosen)
      : target{box, grid_nx, grid_ny}, options(effective(chosen)), sums(box, options) {}
  drizzle::TargetBlock target;
  DrizzleOptions options;
  drizzle::BlockSums sums;
  int last_number = -1;
};

BlockAccumulator::BlockAccumulator(model::PixelBox const& box, std::int64_t grid_nx, std::int64_t grid_ny,
                                   DrizzleOptions const& options) {
  TESSERA_EXPECT(!box.empty() && box.width() <= model::BlockSize && box.height() <= model::BlockSize);
  TESSERA_EXPECT(options.pixfrac > 0 && options.pixfrac <= 1 && options.pixel_scale_ratio > 0);
  state_ = std::make_unique<State>(box, grid_nx, grid_ny, options);
}
BlockAccumulator::~BlockAccumulator() = default;
BlockAccumulator::BlockAccumulator(BlockAccumulator&&) noexcept = default;
BlockAccumulator& BlockAccumulator::operator=(BlockAccumulator&&) noexcept = default;

model::PixelBox const& BlockAccumulator::box() const { return state_->target.box; }

void BlockAccumulator::add(DrizzleInput const& input) {
  auto& state = *state_;
  TESSERA_EXPECT(input.map && input.data && input.map->nx >= 2 && input.map->ny >= 2);
  TESSERA_EXPECT(input.number > state.last_number);
  state.last_number = input.number;
  auto& scratch = thread_scratch();
  drizzle::find_input_rows(*input.map, state.target.box, state.options, scratch.rows);
  if (scratch.rows.empty()) return;
  scratch.cells.prepare(state.options.variances, has_lobes(state.options));
  if (state.options.kernel == DrizzleKernel::Square)
    drizzle::add_square(input, state.options, scratch.rows, state.target, scratch.cells);
  else
    drizzle::add_separable(input, state.options, scratch.rows, state.target, scratch.cells);
  state.sums.fold(input, scratch.cells);
}

DrizzledBlock BlockAccumulator::finish(float fill) const {
  DrizzledBlock block;
  block.box = state_->target.box;
  state_->sums.finish(fill, block);
  return block;
}

std::int64_t BlockAccumulator::bytes(DrizzleOptions const& options) {
  // SCI and WHT; with variances three sums and, where planes are missing in some exposures, three sums of weights.
  std::int64_t const sums = options.variances ? 2 + 6 : 2;
  return sums * 8 * model::BlockSize * model::BlockSize + static_cast<std::int64_t>(sizeof(State));
}

std::int64_t BlockAccumulator::scratch_bytes(DrizzleOptions const& options) {
  std::int64_t const cell =
      options.variances ? sizeof(drizzle::VarianceCell) + sizeof(double) : sizeof(drizzle::ImageCell);
  // The rows of the map and of the drops: a few dozen lines as wide as a detector.
  std::int64_t const rows = 64 * 8 * 2048;
  return (cell + 1) * static_cast<std::int64_t>(drizzle::ExposureScratch::CellCount) + rows;
}

void drizzle_onto_blocks(std::vector<DrizzleInput> const& inputs, std::vector<BlockAccumulator*> const& blocks) {
  // An exception may not leave a parallel region.
  std::vector<std::exception_ptr> failures(blocks.size());
  using Policy = Kokkos::RangePolicy<compute::HostExecution, Kokkos::Schedule<Kokkos::Dynamic>>;
  Kokkos::parallel_for("tessera::drizzle_onto_blocks", Policy(0, blocks.size()).set_chunk_size(1),
                       [&](std::size_t block) {
                         try {
                           for (auto const& input : inputs) blocks[block]->add(input);
                         } catch (...) {
                           failures[block] = std::current_exception();
                         }
                       });
  for (auto const& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

void drizzle_onto_blocks(DrizzleInput const& input, std::vector<BlockAccumulator*> const& blocks) {
  drizzle_onto_blocks(std::vector<DrizzleInput>{input}, blocks);
}

}  // namespace tessera::kernels
