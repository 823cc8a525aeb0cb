#include "tessera/model/blocks.hpp"

#include <algorithm>

namespace tessera::model {

PixelBox intersect(PixelBox const& a, PixelBox const& b) {
  PixelBox const both{std::max(a.x0, b.x0), std::max(a.y0, b.y0), std::min(a.x1, b.x1), std::min(a.y1, b.y1)};
  return both.empty() ? PixelBox{} : both;
}

namespace {

/// Position along the Hilbert curve of side `side` (a power of two) of cell (x, y): the usual quadrant walk.
std::int64_t hilbert_index(std::int64_t side, std::int64_t x, std::int64_t y) {
  std::int64_t index = 0;
  for (std::int64_t half = side / 2; half > 0; half /= 2) {
    bool const right = (x & half) != 0, top = (y & half) != 0;
    index += half * half * ((right ? 3 : 0) ^ (top ? 1 : 0));
    if (!top) {  // turn the quadrant so that the curve enters and leaves it at its corners
      if (right) {
        x = side - 1 - x;
        y = side - 1 - y;
      }
      std::swap(x, y);
    }
  }
  return index;
}

}  // namespace

std::vector<std::int64_t> hilbert_order(BlockGrid const& grid) {
  std::int64_t side = 1;
  while (side < std::max(grid.columns(), grid.rows())) side *= 2;
  std::vector<std::pair<std::int64_t, std::int64_t>> keyed;
  keyed.reserve(static_cast<std::size_t>(grid.count()));
  for (std::int64_t block = 0; block < grid.count(); ++block)
    keyed.emplace_back(hilbert_index(side, block % grid.columns(), block / grid.columns()), block);
  std::sort(keyed.begin(), keyed.end());
  std::vector<std::int64_t> order;
  order.reserve(keyed.size());
  for (auto const& [key, block] : keyed) order.push_back(block);
  return order;
}

}  // namespace tessera::model
