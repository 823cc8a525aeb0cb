// Overlap areas of quadrilaterals with a small window of output pixels, several quadrilaterals at once.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tessera::kernels::drizzle {

/// Four doubles, one a quadrilateral: the compiler's own vector type, so any CPU that can add doubles can run it.
using Lanes = double __attribute__((vector_size(32)));
inline constexpr int LaneCount = 4;

inline Lanes load_lanes(double const* from) {
  using Unaligned = double __attribute__((vector_size(32), aligned(8), may_alias));
  return *reinterpret_cast<Unaligned const*>(from);
}
#ifdef __AVX__  // the same as the plain forms below, which GCC 12 turns into two instructions where b is 0
inline Lanes smaller(Lanes a, Lanes b) { return __builtin_ia32_minpd256(a, b); }
inline Lanes larger(Lanes a, Lanes b) { return __builtin_ia32_maxpd256(a, b); }
#else
inline Lanes smaller(Lanes a, Lanes b) { return a < b ? a : b; }
inline Lanes larger(Lanes a, Lanes b) { return a > b ? a : b; }
#endif
inline Lanes clamp_lanes(Lanes a, Lanes low, Lanes high) { return smaller(larger(a, low), high); }

/// Whether a comparison of lanes holds for all of them.
template <class Mask>
bool holds_for_all(Mask const& mask) {
#ifdef __AVX__
  return __builtin_ia32_movmskpd256(reinterpret_cast<Lanes const&>(mask)) == 15;
#else
  return (mask[0] & mask[1] & mask[2] & mask[3]) != 0;
#endif
}

inline double largest_lane(Lanes a) {
  double const first = a[0] > a[1] ? a[0] : a[1], second = a[2] > a[3] ? a[2] : a[3];
  return first > second ? first : second;
}

/// Corners of quadrilaterals in order round them, relative to the lower-left corner of their windows, and dy/dx and
/// dx/dy of the edges from corner k to corner k + 1 (0 where they do not exist).
struct QuadLanes {
  Lanes x[4], y[4], slope[4], inverse[4];
};

/// Which way an edge runs: the same for nearly all drops of an exposure, so that a branch on it costs nothing while
/// knowing it saves the sorting of end points.
enum class Way { Mixed, RightUp, RightDown, LeftUp, LeftDown };

/// Adds 2 x the integral of max(y - level, 0) dx along one directed edge, column by column of the window, for the
/// levels 0 .. Rows - 1. Differences of these between levels are areas under the edge inside the cells (Green's
/// theorem).
///
/// Nothing branches and no difference of large numbers is taken: at each level the part of the edge above it is found
/// by clamping the crossing, so a nearly level or nearly upright edge costs no accuracy.
template <int Columns, int Rows, Way Runs>
inline __attribute__((always_inline)) void add_edge(Lanes xa, Lanes ya, Lanes xb, Lanes yb, Lanes slope, Lanes inverse,
                                                    Lanes (&sums)[Rows][Columns]) {
  constexpr bool Mixed = Runs == Way::Mixed, Leftward = Runs == Way::LeftUp || Runs == Way::LeftDown;
  // Seen from left to right an edge that runs left and down rises.
  constexpr bool Rising = Runs == Way::RightUp || Runs == Way::LeftDown;
  Lanes const zero{};
  Lanes xl, xr, yl, yr, sign = zero + 1.0;
  if constexpr (Mixed) {
    auto const backward = xa > xb;
    xl = smaller(xa, xb), xr = larger(xa, xb);
    yl = backward ? yb : ya, yr = backward ? ya : yb;
    sign = backward ? zero - 1.0 : zero + 1.0;
  } else {
    xl = Leftward ? xb : xa, xr = Leftward ? xa : xb;
    yl = Leftward ? yb : ya, yr = Leftward ? ya : yb;
  }
  auto const add = [&](Lanes& sum, Lanes term) {
    if constexpr (Mixed)
      sum += sign * term;
    else if constexpr (Leftward)
      sum -= term;
    else
      sum += term;
  };
  Lanes px[Columns + 1], py[Columns + 1];  // the edge at the window's column boundaries
  px[0] = xl, py[0] = yl, px[Columns] = xr, py[Columns] = yr;
#pragma GCC unroll 8
  for (int column = 1; column < Columns; ++column) {
    px[column] = clamp_lanes(zero + column, xl, xr);
    py[column] = yl + (px[column] - xl) * slope;
  }
#pragma GCC unroll 8
  for (int column = 0; column < Columns; ++column)
    add(sums[0][column], (px[column + 1] - px[column]) * (py[column] + py[column + 1]));
  auto const rising = yr >= yl;  // a level edge (inverse 0) is above a level wholly or not at all
#pragma GCC unroll 8
  for (int row = 1; row < Rows; ++row) {
    Lanes const level = zero + row;
    Lanes const crossing = clamp_lanes(xl + (level - yl) * inverse, xl, xr);
    // Where the edge is above the level.
    Lanes const begin = Mixed ? (rising ? crossing : xl) : Rising ? crossing : xl;
    Lanes const end = Mixed ? (rising ? xr : crossing) : Rising ? xr : crossing;
    Lanes left = begin, left_height = larger(yl - level, zero);
#pragma GCC unroll 8
    for (int column = 0; column < Columns; ++column) {
      Lanes const boundary = px[column + 1];
      Lanes const right = column + 1 == Columns ? end
                          : Mixed               ? clamp_lanes(boundary, begin, end)
                          : Rising              ? larger(boundary, begin)
                                                : smaller(boundary, end);
      Lanes const right_height = larger(py[column + 1] - level, zero);
      add(sums[row][column], (right - left) * (left_height + right_height));
      left = right;
      left_height = right_height;
    }
  }
}

/// Which way all four edges run, or Mixed. A level edge counts as rising seen from left to right, as add_edge wants it.
inline Way find_way(Lanes xa, Lanes ya, Lanes xb, Lanes yb) {
  if (holds_for_all(xa <= xb))
    return holds_for_all(ya <= yb) ? Way::RightUp : holds_for_all(ya > yb) ? Way::RightDown : Way::Mixed;
  if (holds_for_all(xa >= xb))
    return holds_for_all(ya >= yb) ? Way::LeftDown : holds_for_all(ya < yb) ? Way::LeftUp : Way::Mixed;
  return Way::Mixed;
}

/// Overlap of each quadrilateral with the cells [column, column + 1] x [row, row + 1] of its window, times `scale`
/// (0.5 / J makes them fractions of the quadrilateral), shares below `least` set to 0. The window must hold it.
template <int Columns, int Rows>
inline __attribute__((always_inline)) void find_overlaps(QuadLanes const& quad, Lanes scale, Lanes least,
                                                         Lanes (&shares)[Rows][Columns]) {
  Lanes sums[Rows][Columns] = {};
  for (int edge = 0; edge < 4; ++edge) {
    int const next = (edge + 1) % 4;
    Lanes const xa = quad.x[edge], ya = quad.y[edge], xb = quad.x[next], yb = quad.y[next];
    Lanes const slope = quad.slope[edge], inverse = quad.inverse[edge];
    switch (find_way(xa, ya, xb, yb)) {
      case Way::RightUp:
        add_edge<Columns, Rows, Way::RightUp>(xa, ya, xb, yb, slope, inverse, sums);
        break;
      case Way::RightDown:
        add_edge<Columns, Rows, Way::RightDown>(xa, ya, xb, yb, slope, inverse, sums);
        break;
      case Way::LeftUp:
        add_edge<Columns, Rows, Way::LeftUp>(xa, ya, xb, yb, slope, inverse, sums);
        break;
      case Way::LeftDown:
        add_edge<Columns, Rows, Way::LeftDown>(xa, ya, xb, yb, slope, inverse, sums);
        break;
      case Way::Mixed:
        add_edge<Columns, Rows, Way::Mixed>(xa, ya, xb, yb, slope, inverse, sums);
        break;
    }
  }
  Lanes const zero{};
#pragma GCC unroll 8
  for (int row = 0; row < Rows; ++row)
#pragma GCC unroll 8
    for (int column = 0; column < Columns; ++column) {
      Lanes const area = row + 1 < Rows ? sums[row][column] - sums[row + 1][column] : sums[row][column];
      Lanes const share = area * scale;
      shares[row][column] = share >= least ? share : zero;
    }
}

}  // namespace tessera::kernels::drizzle
