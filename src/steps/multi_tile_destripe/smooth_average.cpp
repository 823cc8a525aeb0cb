#include "smooth_average.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <map>
#include <memory>

#include "tessera/exchange/clip_over_ranks.hpp"
#include "tessera/kernels/source_mask.hpp"
#include "tessera/parallel/control.hpp"
#include "tessera/parallel/pool.hpp"

namespace tessera::steps {

namespace {

using kernels::LineFilter;
constexpr float NaN = std::numeric_limits<float>::quiet_NaN();
constexpr int LeastPixels = 3;  ///< of a source

/// Gives the blocks that have data to the ranks, whole rows or columns of blocks at a time (all blocks of them with
/// `whole_strips`). Returns those of `rank`.
std::vector<std::int64_t> deal_strips(exchange::SkyPlan const& plan, bool columns, int rank, int ranks,
                                      BlockOwners& owners, bool whole_strips = false) {
  auto const grid = plan.grid.blocks();
  auto const strips = columns ? grid.columns() : grid.rows(), length = columns ? grid.rows() : grid.columns();
  auto const block_at = [&](std::int64_t strip, std::int64_t k) {
    return columns ? k * grid.columns() + strip : strip * grid.columns() + k;
  };
  auto const is_reached = [&](std::int64_t block) {
    return !plan.block_members[static_cast<std::size_t>(block)].empty();
  };
  std::vector<double> costs(static_cast<std::size_t>(strips), 0.0);
  for (std::int64_t strip = 0; strip < strips; ++strip)
    for (std::int64_t k = 0; k < length; ++k) costs[static_cast<std::size_t>(strip)] += is_reached(block_at(strip, k));
  auto const runs = parallel::divide_in_runs(costs, ranks);
  std::vector<std::int64_t> mine;
  for (int owner = 0; owner < ranks; ++owner)
    for (auto strip = runs[static_cast<std::size_t>(owner)].begin; strip < runs[static_cast<std::size_t>(owner)].end;
         ++strip) {
      if (costs[strip] == 0) continue;
      auto const number = static_cast<std::int64_t>(strip);
      if (owner == rank) mine.push_back(number);
      for (std::int64_t k = 0; k < length; ++k)
        if (whole_strips || is_reached(block_at(number, k))) owners.give(block_at(number, k), owner);
    }
  return mine;
}

/// Strips that are read again and again, as many as half of the free memory holds.
class HeldStrips {
 public:
  /// `program` is what the process held before, which the budget does not know.
  HeldStrips(parallel::MemoryBudget& budget, std::int64_t program, std::string label)
      : budget_(budget), label_(std::move(label)), first_free_(budget.free() - program) {}

  template <class Read>
  std::span<float const> get(std::int64_t strip, Read read) {
    if (auto const found = held_.find(strip); found != held_.end()) return found->second;
    auto values = read();
    auto const bytes = static_cast<std::int64_t>(values.size() * sizeof(float));
    if (held_bytes_ + bytes > first_free_ / 2) {
      passing_ = std::move(values);
      return passing_;
    }
    held_bytes_ += bytes;
    reserved_.push_back(
        std::make_unique<parallel::MemoryBudget::Reservation>(budget_, "structure of " + label_, bytes));
    return held_[strip] = std::move(values);
  }

 private:
  parallel::MemoryBudget& budget_;
  std::string label_;
  std::int64_t first_free_ = 0, held_bytes_ = 0;
  std::map<std::int64_t, std::vector<float>> held_;
  std::vector<std::unique_ptr<parallel::MemoryBudget::Reservation>> reserved_;
  std::vector<float> passing_;
};

}  // namespace

AverageSmoother::AverageSmoother(StepContext& context, DestripeTask const& task, AverageNames names)
    : context_(context),
      task_(task),
      names_(std::move(names)),
      smooth_owners_(task.plan.grid.blocks()),
      second_owners_(task.plan.grid.blocks()),
      mask_owners_(task.plan.grid.blocks()) {
  int const rank = context.world.rank(), ranks = context.world.size();
  bool const vertical = task.course == kernels::StripeCourse::Vertical;
  if (needs_second_axis()) {
    // The fill of a column runs on through blocks that no exposure reaches, and the rows need it there.
    second_strips_ = deal_strips(task.plan, true, rank, ranks, second_owners_, true);
    smooth_strips_ = deal_strips(task.plan, false, rank, ranks, smooth_owners_);
  } else {
    smooth_strips_ = deal_strips(task.plan, !vertical, rank, ranks, smooth_owners_);
  }
  mask_strips_ = deal_strips(task.plan, false, rank, ranks, mask_owners_);
}

model::PixelBox AverageSmoother::strip_box(Strip strip, bool columns) const {
  auto const& grid = task_.plan.grid;
  auto const from = strip * model::BlockSize, to = from + model::BlockSize;
  if (columns) return {from, 0, std::min(to, grid.nx), grid.ny};
  return {0, from, grid.nx, std::min(to, grid.ny)};
}

void AverageSmoother::write_blocks(BlockImageWriter& writer, BlockOwners const& owners, model::PixelBox const& box,
                                   std::vector<float> const& values) const {
  auto const& grid = owners.grid();
  std::vector<float> part;
  for (auto row = box.y0 / model::BlockSize; row <= (box.y1 - 1) / model::BlockSize; ++row)
    for (auto column = box.x0 / model::BlockSize; column <= (box.x1 - 1) / model::BlockSize; ++column) {
      auto const block = row * grid.columns() + column;
      if (owners.rank(block) < 0) continue;
      auto const place = grid.box(block);
      part.clear();
      for (auto y = place.y0; y < place.y1; ++y) {
        auto const first = values.begin() + (y - box.y0) * box.width() + (place.x0 - box.x0);
        part.insert(part.end(), first, first + place.width());
      }
      writer.write(block, place, part);
    }
}

void AverageSmoother::filter_strips(std::vector<Strip> const& strips, bool columns, BlockImageReader const& from,
                                    std::string const& to, BlockOwners const& owners, LineFilter filter) {
  BlockImageWriter writer(task_.task->scratch, to, owners, context_.world.rank());
  BlockImageReader const average(task_.task->scratch, names_.average, task_.owners.front());
  bool const is_last = to == names_.smooth;
  for (auto const strip : strips) {
    auto const box = strip_box(strip, columns);
    parallel::MemoryBudget::Reservation const held(context_.budget, "large-scale filter of " + task_.task->label(),
                                                   box.width() * box.height() * 12);
    auto values = from.read(box);
    if (columns)
      kernels::filter_columns(std::span(values), box.width(), box.height(), filter, task_.window,
                              task_.options.extend_mode);
    else
      kernels::filter_rows(std::span(values), box.width(), box.height(), filter, task_.window,
                           task_.options.extend_mode);
    if (is_last) {
      auto const before = average.read(box);
      for (std::size_t k = 0; k < values.size(); ++k)
        if (!std::isfinite(before[k])) values[k] = NaN;
    }
    write_blocks(writer, owners, box, values);
  }
  writer.close();
}

void AverageSmoother::smooth() {
  BlockImageReader const average(task_.task->scratch, names_.average, task_.owners.front());
  if (needs_second_axis())
    filter_strips(second_strips_, true, average, names_.smooth + "_columns", second_owners_, LineFilter::Mean);
  else
    filter_strips(smooth_strips_, task_.course == kernels::StripeCourse::Horizontal, average, names_.smooth,
                  smooth_owners_, LineFilter::Median);
}

void AverageSmoother::smooth_second_axis() {
  BlockImageReader const columns(task_.task->scratch, names_.smooth + "_columns", second_owners_);
  filter_strips(smooth_strips_, false, columns, names_.smooth, smooth_owners_, LineFilter::Mean);
}

std::vector<float> AverageSmoother::read_structure(model::PixelBox const& box) const {
  BlockImageReader const average(task_.task->scratch, names_.average, task_.owners.front());
  BlockImageReader const smooth(task_.task->scratch, names_.smooth, smooth_owners_);
  auto values = average.read(box);
  auto const level = smooth.read(box);
  for (std::size_t k = 0; k < values.size(); ++k) values[k] -= level[k];
  return values;
}

void AverageSmoother::make_mask(parallel::Communicator const& communicator) {
  auto const& options = task_.options;
  kernels::SourceMaskOptions const sources{
      .nsigma = options.sigma, .npixels = LeastPixels, .dilate = options.dilate, .maxiters = options.maxiters};
  // A component of fewer than LeastPixels pixels that touches a core row lies within this many rows of it, and the
  // growth reaches as far again.
  std::int64_t const halo = LeastPixels - 1 + options.dilate;
  auto const& grid = task_.plan.grid;
  std::unique_ptr<parallel::MemoryBudget::Reservation> held;
  parallel::all_or_none(communicator, [&] {
    held = std::make_unique<parallel::MemoryBudget::Reservation>(
        context_.budget, "structure mask of " + task_.task->label(), grid.nx * (model::BlockSize + 2 * halo) * 16);
  });

  double threshold[2] = {0, 0};  ///< above, and below with its sign turned
  auto const mask_strip = [&](model::PixelBox const& core, int signs) {
    model::PixelBox const box{0, std::max<std::int64_t>(0, core.y0 - halo), grid.nx, std::min(grid.ny, core.y1 + halo)};
    auto structure = read_structure(box);
    std::vector<float> mask(static_cast<std::size_t>(core.width() * core.height()), 0.0f);
    for (int sign = 0; sign < signs; ++sign) {
      if (sign == 1)
        for (float& value : structure) value = -value;
      auto const found = kernels::mask_above(structure.data(), threshold[sign], box.width(), box.height(), sources);
      auto const first = static_cast<std::size_t>((core.y0 - box.y0) * box.width());
      for (std::size_t k = 0; k < mask.size(); ++k)
        if (found[first + k]) mask[k] = 1;
    }
    return mask;
  };
  auto const read_values = [&](Strip strip, int sign) {
    auto const core = strip_box(strip, false);
    auto values = read_structure(core);
    if (sign == 1) {
      auto const positive = mask_strip(core, 1);
      for (std::size_t k = 0; k < values.size(); ++k) values[k] = positive[k] > 0 ? NaN : -values[k];
    }
    return values;
  };
  // An error may not keep this rank from the collectives of the others.
  std::exception_ptr failure;
  auto const without_throwing = [&](auto const& work) {
    try {
      if (!failure) work();
    } catch (...) {
      failure = std::current_exception();
    }
  };
  auto const find_threshold = [&](int sign) {
    HeldStrips held_strips(context_.budget, context_.program_bytes, task_.task->label());
    exchange::GivePieces const give = [&](exchange::TakePiece const& take) {
      for (auto const strip : mask_strips_)
        without_throwing([&] { take(strip, held_strips.get(strip, [&] { return read_values(strip, sign); })); });
    };
    auto const found = exchange::clip_over_ranks(communicator, give, options.sigma, options.maxiters);
    return found.mean + options.sigma * found.std;
  };
  threshold[0] = find_threshold(0);
  threshold[1] = find_threshold(1);
  parallel::all_or_none(communicator, [&] {
    if (failure) std::rethrow_exception(failure);
  });
  BlockImageWriter writer(task_.task->scratch, names_.mask, mask_owners_, context_.world.rank());
  for (auto const strip : mask_strips_) {
    auto const core = strip_box(strip, false);
    write_blocks(writer, mask_owners_, core, mask_strip(core, 2));
  }
  writer.close();
}

}  // namespace tessera::steps
