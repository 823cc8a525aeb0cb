// Rows of the mapped pixel centres and of the corners of the drops, computed once a row and shared by neighbours.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "target_block.hpp"

namespace tessera::kernels::drizzle {

/// The drops of one input row: corners in order round the drop, dy/dx and dx/dy of the edges from corner k to corner k
/// + 1 (both 0 for edges along an axis, where neither is needed), and the mapped centres. All point to values of column
/// `x0`.
struct DropRow {
  std::int64_t x0 = 0;
  std::array<double const*, 4> x{}, y{}, slope{}, inverse{};
  double const* centre_x = nullptr;
  double const* centre_y = nullptr;
};

/// Walks the rows of an exposure upwards. With pixfrac 1 the corners and edges between two pixels are computed once.
///
/// The bilinear interpolation of spec 30, 4.6 goes on linearly over the border of the array. Here the rows of centres
/// are continued by one extrapolated row and column on each side instead, which is the same and needs no special cases.
class CornerRows {
 public:
  CornerRows(DrizzleInput const& input, double pixfrac, InputRows const& rows);

  /// Drops of input row y, where rows.has(y); rows must be asked for in ascending order. Valid until the next call.
  /// All arrays may be read, without meaning, `Slack` entries beyond the row's last column.
  DropRow const& row(std::int64_t y);

  static constexpr int Slack = 8;

 private:
  struct Line {
    std::int64_t row = -2;  ///< what it holds; -2: nothing yet
    std::vector<double> x, y;
  };
  struct Edges {
    std::vector<double> slope, inverse;
  };
  struct Columns {
    std::int64_t begin, end;
  };

  /// Columns that any of the rows first .. last need.
  Columns hull(std::int64_t first, std::int64_t last) const;
  Line const& centres(std::int64_t y);
  void evaluate(std::int64_t y, Columns columns, Line& line) const;
  void mix_rows(std::int64_t y, std::int64_t neighbour, double part, Columns columns);
  void mix_columns(int neighbour, double part, Columns columns, Line& corners) const;
  void find_slopes(Line const& from, Line const& to, int shift, Columns columns, Edges& edges) const;
  Line const& shared_corners(std::int64_t line);
  std::size_t at(std::int64_t x) const { return static_cast<std::size_t>(x - hull_begin_ + 1); }

  DrizzleInput const& input_;
  InputRows const& rows_;
  double half_;
  bool shared_;
  std::int64_t hull_begin_ = 0, hull_end_ = 0;  ///< columns of all rows
  std::array<Line, 4> centre_rows_;             ///< row y in slot (y + 4) mod 4
  Line between_;                                ///< centres mixed from two rows
  std::array<Line, 4> corners_;                 ///< shared: lines of corners in slots line mod 2; else the four corners
  std::array<Edges, 4> edges_;                  ///< shared: along the lines, then upright; else the four edges
  DropRow drop_;
};

}  // namespace tessera::kernels::drizzle
