// Blocks: 256x256 pixels anchored at the origin of a grid. The HDF5 chunk and the unit of every floating reduction.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

namespace tessera::model {

inline constexpr int BlockSize = 256;

/// Half-open pixel rectangle: x0 <= x < x1, y0 <= y < y1.
struct PixelBox {
  std::int64_t x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  std::int64_t width() const { return std::max<std::int64_t>(0, x1 - x0); }
  std::int64_t height() const { return std::max<std::int64_t>(0, y1 - y0); }
  bool empty() const { return x1 <= x0 || y1 <= y0; }
  bool operator==(PixelBox const&) const = default;
};

PixelBox intersect(PixelBox const& a, PixelBox const& b);

/// The blocks of an nx x ny grid. Blocks at the high edges are cut off.
struct BlockGrid {
  std::int64_t nx = 0, ny = 0;  ///< pixels

  std::int64_t columns() const { return (nx + BlockSize - 1) / BlockSize; }
  std::int64_t rows() const { return (ny + BlockSize - 1) / BlockSize; }
  std::int64_t count() const { return columns() * rows(); }
  /// Block number = row * columns + column, 0-based.
  PixelBox box(std::int64_t block) const {
    std::int64_t const column = block % columns(), row = block / columns();
    return {column * BlockSize, row * BlockSize, std::min((column + 1) * BlockSize, nx),
            std::min((row + 1) * BlockSize, ny)};
  }
};

/// Block numbers in the order of a Hilbert curve over the smallest power-of-two square that holds the grid.
/// Neighbours on the curve are neighbours on the sky, so a run of blocks reads few exposures.
std::vector<std::int64_t> hilbert_order(BlockGrid const& grid);

}  // namespace tessera::model
