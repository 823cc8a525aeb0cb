// The square kernel: windows of output pixels for four drops at a time, then their shares to the cells.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "corner_rows.hpp"
#include "overlap_window.hpp"
#include "target_block.hpp"

namespace tessera::kernels::drizzle {

namespace {

/// Shares below this are rounding errors of the areas, not overlap (spec 30, 4.6). Of drops much smaller than an output
/// pixel the errors are a larger share: `scale` is 0.5 / J.
constexpr double LeastShare = 1e-14;
Lanes least_share(Lanes scale) {
  Lanes const zero{};
  return larger(zero + LeastShare, larger(scale, -scale) * (0.2 * LeastShare));
}
/// Sizes of window there is vector code for; larger drops go one by one.
constexpr int LargestWindow = 8;

/// What is known of four drops before their overlaps.
struct DropFacts {
  Lanes column, row;              ///< output pixel of the window's lower-left cell
  Lanes column_count, row_count;  ///< cells the drop needs; 0: it takes no part
  Lanes scale;                    ///< 0.5 / J
  Lanes weight;                   ///< w
};

/// The nearest whole number of |x| < 2^51; halves go either way, which is all the same to a window.
Lanes round_lanes(Lanes x) {
  constexpr double Shift = 6755399441055744.0;  // 1.5 x 2^52: a sum with it has no fraction
  return (x + Shift) - Shift;
}

Lanes load_floats(float const* from) {
  using Floats = float __attribute__((vector_size(16)));
  Floats values;
  std::memcpy(&values, from, sizeof values);
  return __builtin_convertvector(values, Lanes);
}

/// One row of drops on its way to the cells of a block.
struct RowJob {
  DropRow const& drops;
  InputRow const& planes;
  std::int64_t count;  ///< drops in the row
  TargetBlock const& block;
  ExposureScratch& scratch;
};

DropFacts find_facts(RowJob const& job, std::int64_t k) {
  auto const& drops = job.drops;
  Lanes const zero{};
  Lanes x[4], y[4];
  for (std::size_t corner = 0; corner < 4; ++corner) {
    x[corner] = load_lanes(drops.x[corner] + k);
    y[corner] = load_lanes(drops.y[corner] + k);
  }
  DropFacts facts;
  facts.weight = zero + 1.0;
  if (float const* const weights = job.planes.weights()) {
    std::int64_t const x_first = drops.x0 + k;
    if (k + LaneCount <= job.count) {
      facts.weight = load_floats(weights + x_first);
    } else {
      for (int lane = 0; lane < LaneCount; ++lane)
        facts.weight[lane] = k + lane < job.count ? static_cast<double>(weights[x_first + lane]) : 0.0;
    }
  }
  Lanes const left = round_lanes(smaller(smaller(x[0], x[1]), smaller(x[2], x[3])));
  Lanes const right = round_lanes(larger(larger(x[0], x[1]), larger(x[2], x[3])));
  Lanes const low = round_lanes(smaller(smaller(y[0], y[1]), smaller(y[2], y[3])));
  Lanes const high = round_lanes(larger(larger(y[0], y[1]), larger(y[2], y[3])));
  Lanes const doubled_area = (x[1] - x[3]) * (y[0] - y[2]) - (x[0] - x[2]) * (y[1] - y[3]);
  Lanes const cx = load_lanes(drops.centre_x + k), cy = load_lanes(drops.centre_y + k);
  auto const& box = job.block.box;
  double const frame_x = static_cast<double>(job.block.grid_nx) - 0.5,
               frame_y = static_cast<double>(job.block.grid_ny) - 0.5;
  static constexpr Lanes Places = {0, 1, 2, 3};
  // A NaN corner makes the area NaN, and then neither comparison of it holds.
  auto const takes_part = ((doubled_area > 0.0) | (doubled_area < 0.0)) & (cx >= -0.5) & (cx <= frame_x) &
                          (cy >= -0.5) & (cy <= frame_y) & (right >= static_cast<double>(box.x0)) &
                          (left < static_cast<double>(box.x1)) & (high >= static_cast<double>(box.y0)) &
                          (low < static_cast<double>(box.y1)) & (facts.weight != 0.0) &
                          (Places < static_cast<double>(job.count - k));
  facts.column = left;
  facts.row = low;
  facts.column_count = takes_part ? right - left + 1.0 : zero;
  facts.row_count = takes_part ? high - low + 1.0 : zero;
  facts.scale = 1.0 / doubled_area;
  return facts;
}

QuadLanes load_quad(DropRow const& drops, std::int64_t k, Lanes column, Lanes row) {
  QuadLanes quad;
  for (std::size_t corner = 0; corner < 4; ++corner) {
    quad.x[corner] = load_lanes(drops.x[corner] + k) - (column - 0.5);
    quad.y[corner] = load_lanes(drops.y[corner] + k) - (row - 0.5);
    quad.slope[corner] = load_lanes(drops.slope[corner] + k);
    quad.inverse[corner] = load_lanes(drops.inverse[corner] + k);
  }
  return quad;
}

/// Drops k .. k + 3 of the row, whose windows have at most Columns x Rows cells.
template <int Columns, int Rows, bool Variances>
void add_group(RowJob const& job, DropFacts const& facts, std::int64_t k) {
  constexpr int Stride = ExposureScratch::Stride, Rim = ExposureScratch::Rim;
  using Integers = std::int32_t __attribute__((vector_size(16)));
  Lanes const cell_row = facts.row - static_cast<double>(job.block.box.y0 - Rim);
  Lanes const cell_column = facts.column - static_cast<double>(job.block.box.x0 - Rim);
  Integers const rows = __builtin_convertvector(cell_row, Integers);
  Integers const bases = __builtin_convertvector(cell_row * static_cast<double>(Stride) + cell_column, Integers);
  CellAdder<Variances> adder(job.scratch);
  // The cells are wanted after the overlaps; those of the first lanes are at hand from the group before.
  if (facts.column_count[LaneCount - 1] != 0.0)
    for (int row = 0; row < Rows; ++row) adder.prefetch(bases[LaneCount - 1] + row * Stride);
  Lanes shares[Rows][Columns];
  find_overlaps<Columns, Rows>(load_quad(job.drops, k, facts.column, facts.row), facts.scale, least_share(facts.scale),
                               shares);
  // From here on the lanes go one by one, and reading them from memory is cheaper than taking vectors apart.
  alignas(sizeof(Lanes)) double stored[Rows][Columns][LaneCount], weights[LaneCount], counts[LaneCount];
  std::memcpy(stored, shares, sizeof stored);
  std::memcpy(weights, &facts.weight, sizeof weights);
  std::memcpy(counts, &facts.column_count, sizeof counts);
  asm volatile("" : "+m"(stored), "+m"(weights), "+m"(counts));
  for (int lane = 0; lane < LaneCount; ++lane) {
    if (counts[lane] == 0.0) continue;
    auto const x = job.drops.x0 + k + lane;
    adder.set(weights[lane], job.planes.value(x), job.planes.roots(x));
    job.scratch.touch(rows[lane], Rows);
    std::ptrdiff_t const base = bases[lane];
    if (adder.is_finite()) [[likely]] {
#pragma GCC unroll 8
      for (int row = 0; row < Rows; ++row)
#pragma GCC unroll 8
        for (int column = 0; column < Columns; ++column)
          adder.add(base + row * Stride + column, stored[row][column][lane]);
    } else {  // what is not a number spreads only where the drop really lies
      for (int row = 0; row < Rows; ++row)
        for (int column = 0; column < Columns; ++column)
          if (stored[row][column][lane] > 0) adder.add(base + row * Stride + column, stored[row][column][lane]);
    }
  }
}

/// Signed area between an edge and the lower side of the unit square at (column, row), inside the square.
double edge_area(double xa, double ya, double xb, double yb, double column, double row) {
  double sums[2] = {0, 0};
  for (int level = 0; level < 2; ++level) {
    double const xl = std::min(xa, xb), xr = std::max(xa, xb);
    double const yl = xa > xb ? yb : ya, yr = xa > xb ? ya : yb;
    double const low = std::clamp(column, xl, xr), high = std::clamp(column + 1, xl, xr);
    if (!(high > low)) return 0;
    double const slope = (yr - yl) / (xr - xl);
    double const a = yl + (low - xl) * slope - row - level, b = yl + (high - xl) * slope - row - level;
    double const part = (a > 0) == (b > 0) ? 1.0 : std::max(a, b) / std::abs(a - b);
    sums[level] = (high - low) * part * (std::max(a, 0.0) + std::max(b, 0.0)) / 2;
  }
  return (xa > xb ? -1 : 1) * (sums[0] - sums[1]);
}

/// One drop that is too large for the windows: cell by cell.
template <bool Variances>
void add_large_drop(RowJob const& job, DropFacts const& facts, std::int64_t k, int lane) {
  auto const& box = job.block.box;
  auto const& drops = job.drops;
  CellAdder<Variances> adder(job.scratch);
  auto const x = drops.x0 + k + lane;
  adder.set(facts.weight[lane], job.planes.value(x), job.planes.roots(x));
  auto const left = static_cast<std::int64_t>(facts.column[lane]), low = static_cast<std::int64_t>(facts.row[lane]);
  auto const right = left + static_cast<std::int64_t>(facts.column_count[lane]);
  auto const high = low + static_cast<std::int64_t>(facts.row_count[lane]);
  for (auto row = std::max(low, box.y0); row < std::min(high, box.y1); ++row) {
    auto const cell_row = static_cast<int>(row - box.y0) + ExposureScratch::Rim;
    job.scratch.touch(cell_row, 1);
    for (auto column = std::max(left, box.x0); column < std::min(right, box.x1); ++column) {
      double area = 0;
      for (std::size_t edge = 0; edge < 4; ++edge) {
        auto const next = (edge + 1) % 4;
        area += edge_area(drops.x[edge][k + lane], drops.y[edge][k + lane], drops.x[next][k + lane],
                          drops.y[next][k + lane], static_cast<double>(column) - 0.5, static_cast<double>(row) - 0.5);
      }
      double const share = area * 2 * facts.scale[lane];
      if (share >= LeastShare)
        adder.add(
            static_cast<std::ptrdiff_t>(cell_row) * ExposureScratch::Stride + (column - box.x0) + ExposureScratch::Rim,
            share);
    }
  }
}

template <bool Variances>
void add_drops(RowJob const& job) {
  for (std::int64_t k = 0; k < job.count; k += LaneCount) {
    auto const facts = find_facts(job, k);
    double const columns = largest_lane(facts.column_count), rows = largest_lane(facts.row_count);
    if (columns == 0) continue;
    if (columns <= 2 && rows <= 2)
      add_group<2, 2, Variances>(job, facts, k);
    else if (columns <= 2 && rows <= 3)
      add_group<2, 3, Variances>(job, facts, k);
    else if (columns <= 3 && rows <= 2)
      add_group<3, 2, Variances>(job, facts, k);
    else if (columns <= 3 && rows <= 3)
      add_group<3, 3, Variances>(job, facts, k);
    else if (columns <= 4 && rows <= 4)
      add_group<4, 4, Variances>(job, facts, k);
    else if (columns <= 6 && rows <= 6)
      add_group<6, 6, Variances>(job, facts, k);
    else if (columns <= LargestWindow && rows <= LargestWindow)
      add_group<LargestWindow, LargestWindow, Variances>(job, facts, k);
    else
      for (int lane = 0; lane < LaneCount; ++lane)
        if (facts.column_count[lane] != 0.0) add_large_drop<Variances>(job, facts, k, lane);
  }
}

}  // namespace

void add_square(DrizzleInput const& input, DrizzleOptions const& options, InputRows const& rows,
                TargetBlock const& block, ExposureScratch& scratch) {
  CornerRows corners(input, options.pixfrac, rows);
  std::int64_t const y_begin = std::max(rows.y0, input.y0), y_end = std::min(rows.y1, input.y1);
  for (std::int64_t y = y_begin; y < y_end; ++y) {
    if (!rows.has(y)) continue;
    InputRow const planes(input, options, y);
    prefetch_row(input, rows, y + 1);
    RowJob const job{corners.row(y), planes, rows.last(y) - rows.first(y), block, scratch};
    if (options.variances)
      add_drops<true>(job);
    else
      add_drops<false>(job);
  }
}

}  // namespace tessera::kernels::drizzle
