#include "corner_rows.hpp"

#include <algorithm>
#include <cmath>

namespace tessera::kernels::drizzle {

CornerRows::CornerRows(DrizzleInput const& input, double pixfrac, InputRows const& rows)
    : input_(input), rows_(rows), half_(pixfrac / 2), shared_(pixfrac == 1.0) {
  auto const all = hull(rows.y0, rows.y1 - 1);
  hull_begin_ = all.begin;
  hull_end_ = std::max(all.begin, all.end);
  auto const size = static_cast<std::size_t>(hull_end_ - hull_begin_ + 3 + Slack);
  for (auto* lines : {&centre_rows_, &corners_})
    for (auto& line : *lines) line.x.assign(size, 0.0), line.y.assign(size, 0.0);
  between_.x.assign(size, 0.0), between_.y.assign(size, 0.0);
  for (auto& edges : edges_) edges.slope.assign(size, 0.0), edges.inverse.assign(size, 0.0);
}

CornerRows::Columns CornerRows::hull(std::int64_t first, std::int64_t last) const {
  Columns columns{input_.map->nx, 0};
  for (std::int64_t y = first; y <= last; ++y) {
    if (!rows_.has(y)) continue;
    columns.begin = std::min(columns.begin, rows_.first(y));
    columns.end = std::max(columns.end, rows_.last(y));
  }
  return columns;
}

/// Mapped centres of columns begin - 1 .. end of row y of the array.
void CornerRows::evaluate(std::int64_t y, Columns columns, Line& line) const {
  auto const nx = input_.map->nx;
  std::int64_t const begin = std::max<std::int64_t>(columns.begin - 1, 0), end = std::min(columns.end + 1, nx);
  double *const x = line.x.data() + at(begin), *const y_out = line.y.data() + at(begin);
  input_.map->evaluate_row(y, begin, end, x, y_out);
  cut_holes(input_, y, begin, end, x, y_out);
  for (auto* values : {&line.x, &line.y}) {
    auto& v = *values;
    if (columns.begin == 0) v[at(-1)] = 2 * v[at(0)] - v[at(1)];
    if (columns.end == nx) v[at(nx)] = 2 * v[at(nx - 1)] - v[at(nx - 2)];
  }
}

CornerRows::Line const& CornerRows::centres(std::int64_t y) {
  auto& line = centre_rows_[static_cast<std::size_t>(y + 4) % centre_rows_.size()];
  if (line.row == y) return line;
  line.row = y;
  auto const ny = input_.map->ny;
  if (y >= 0 && y < ny) {
    // Columns 0 and 1 (nx - 2 and nx - 1) lie in the widened interval whenever the border does.
    auto const columns = hull(y - 1, y + 1);
    if (columns.begin < columns.end) evaluate(y, columns, line);
    return line;
  }
  auto const &border = centres(y < 0 ? 0 : ny - 1), &inner = centres(y < 0 ? 1 : ny - 2);
  auto const columns = hull(y - 1, y + 1);
  for (auto k = at(columns.begin - 1); k <= at(columns.end); ++k) {
    line.x[k] = 2 * border.x[k] - inner.x[k];
    line.y[k] = 2 * border.y[k] - inner.y[k];
  }
  return line;
}

/// The bilinear interpolation's first half: between rows y and `neighbour`, at columns begin - 1 .. end.
void CornerRows::mix_rows(std::int64_t y, std::int64_t neighbour, double part, Columns columns) {
  auto const &a = centres(y), &b = centres(neighbour);
  double const rest = 1 - part;
  auto const first = at(columns.begin - 1), last = at(columns.end);
  for (auto k = first; k <= last; ++k) {
    between_.x[k] = rest * a.x[k] + part * b.x[k];
    between_.y[k] = rest * a.y[k] + part * b.y[k];
  }
}

/// The second half: between columns x and x + neighbour, for x = begin .. end - 1.
void CornerRows::mix_columns(int neighbour, double part, Columns columns, Line& corners) const {
  double const rest = 1 - part;
  double const *const x = between_.x.data() + at(columns.begin), *const y = between_.y.data() + at(columns.begin);
  double *const out_x = corners.x.data() + at(columns.begin), *const out_y = corners.y.data() + at(columns.begin);
  auto const count = columns.end - columns.begin;
  for (std::int64_t k = 0; k < count; ++k) {
    out_x[k] = rest * x[k] + part * x[k + neighbour];
    out_y[k] = rest * y[k] + part * y[k + neighbour];
  }
}

/// Slopes of the edges from corner x of `from` to corner x + shift of `to`, with one division.
void CornerRows::find_slopes(Line const& from, Line const& to, int shift, Columns columns, Edges& edges) const {
  auto const first = at(columns.begin);
  double const *const xa = from.x.data() + first, *const ya = from.y.data() + first;
  double const *const xb = to.x.data() + first + shift, *const yb = to.y.data() + first + shift;
  double *const slope = edges.slope.data() + first, *const inverse = edges.inverse.data() + first;
  auto const count = columns.end - columns.begin;
  for (std::int64_t k = 0; k < count; ++k) {
    double const dx = xb[k] - xa[k], dy = yb[k] - ya[k], product = dx * dy;
    double const quotient = 1 / product;
    double const reciprocal = std::abs(product) > 1e-290 ? quotient : 0.0;
    slope[k] = dy * dy * reciprocal;
    inverse[k] = dx * dx * reciprocal;
  }
}

/// Line `line` of corners, between rows line - 1 and line; entry x is the corner left of column x.
CornerRows::Line const& CornerRows::shared_corners(std::int64_t line) {
  auto const slot = static_cast<std::size_t>(line % 2);
  auto& corners = corners_[slot];
  if (corners.row == line) return corners;
  corners.row = line;
  auto const columns = hull(line - 1, line);
  mix_rows(line - 1, line, 0.5, columns);
  mix_columns(-1, 0.5, {columns.begin, columns.end + 1}, corners);
  find_slopes(corners, corners, 1, columns, edges_[slot]);
  return corners;
}

DropRow const& CornerRows::row(std::int64_t y) {
  Columns const columns{rows_.first(y), rows_.last(y)};
  auto const first = at(columns.begin);
  drop_.x0 = columns.begin;
  if (shared_) {
    auto const &low = shared_corners(y), &high = shared_corners(y + 1);
    auto &along_low = edges_[static_cast<std::size_t>(y % 2)],
         &along_high = edges_[static_cast<std::size_t>((y + 1) % 2)];
    auto& upright = edges_[2];
    find_slopes(low, high, 0, {columns.begin, columns.end + 1}, upright);
    drop_.x = {high.x.data() + first, high.x.data() + first + 1, low.x.data() + first + 1, low.x.data() + first};
    drop_.y = {high.y.data() + first, high.y.data() + first + 1, low.y.data() + first + 1, low.y.data() + first};
    drop_.slope = {along_high.slope.data() + first, upright.slope.data() + first + 1, along_low.slope.data() + first,
                   upright.slope.data() + first};
    drop_.inverse = {along_high.inverse.data() + first, upright.inverse.data() + first + 1,
                     along_low.inverse.data() + first, upright.inverse.data() + first};
  } else {
    mix_rows(y, y + 1, half_, columns);
    mix_columns(-1, half_, columns, corners_[0]);
    mix_columns(1, half_, columns, corners_[1]);
    mix_rows(y, y - 1, half_, columns);
    mix_columns(1, half_, columns, corners_[2]);
    mix_columns(-1, half_, columns, corners_[3]);
    for (std::size_t k = 0; k < 4; ++k) {
      find_slopes(corners_[k], corners_[(k + 1) % 4], 0, columns, edges_[k]);
      drop_.x[k] = corners_[k].x.data() + first;
      drop_.y[k] = corners_[k].y.data() + first;
      drop_.slope[k] = edges_[k].slope.data() + first;
      drop_.inverse[k] = edges_[k].inverse.data() + first;
    }
  }
  auto const& centre = centres(y);
  drop_.centre_x = centre.x.data() + first;
  drop_.centre_y = centre.y.data() + first;
  return drop_;
}

}  // namespace tessera::kernels::drizzle
