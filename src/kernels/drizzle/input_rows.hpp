// Which input pixels can reach a block: an interval of columns for each row.
#pragma once
#include <cstdint>
#include <vector>

#include "tessera/kernels/drizzle.hpp"
#include "tessera/model/pixel_map.hpp"

namespace tessera::kernels::drizzle {

/// Columns begin[k] <= x < end[k] of input row y0 + k. Empty rows have begin >= end.
struct InputRows {
  std::int64_t y0 = 0, y1 = 0;
  std::vector<std::int64_t> begin, end;

  bool empty() const { return y1 <= y0; }
  bool has(std::int64_t y) const { return y >= y0 && y < y1 && begin[index(y)] < end[index(y)]; }
  std::int64_t first(std::int64_t y) const { return begin[index(y)]; }
  std::int64_t last(std::int64_t y) const { return end[index(y)]; }

 private:
  std::size_t index(std::int64_t y) const { return static_cast<std::size_t>(y - y0); }
};

/// Fills `rows` with all input pixels that can reach `box`, and few others: on each patch the map is its linear part
/// give or take the sum of the other coefficients, so each row's interval is solved for, not searched.
void find_input_rows(model::PixelMap const& map, model::PixelBox const& box, DrizzleOptions const& options,
                     InputRows& rows);

/// Half width, output pixels, of the drop or kernel of an input pixel on an axis, when the map has this largest change
/// of the output coordinate per input pixel in x and y together.
double half_width(DrizzleOptions const& options, double change);

}  // namespace tessera::kernels::drizzle
