// Images made by rows: one pool of all rows of all images over the ranks.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "tessera/parallel/communicator.hpp"

namespace tessera::steps {

/// Rows y0 <= y < y1 of an image: planes of four-byte values, [plane][y - y0][x].
struct ImageRows {
  std::int64_t nx = 0, y0 = 0, y1 = 0;
  std::vector<std::byte> bytes;

  ImageRows(std::int64_t width, std::int64_t first, std::int64_t last, int planes);
  std::size_t plane_pixels() const { return static_cast<std::size_t>((y1 - y0) * nx); }
  /// Plane `index`, from row `y` on.
  template <class T>
  std::span<T> plane(int index, std::int64_t y) {
    static_assert(sizeof(T) == 4);
    auto const skipped = static_cast<std::size_t>((y - y0) * nx);
    return {reinterpret_cast<T*>(bytes.data()) + static_cast<std::size_t>(index) * plane_pixels() + skipped,
            plane_pixels() - skipped};
  }
  template <class T>
  std::span<T> plane(int index) {
    return plane<T>(index, y0);
  }
};

struct PooledImage {
  std::int64_t nx = 0, ny = 0;
  double row_cost = 1;
};

/// Each rank makes a run of consecutive rows; an image that no other rank has rows of is finished at once, one of
/// several ranks by the first of them when all are done with their rows.
class RowPool {
 public:
  /// The same on all ranks.
  RowPool(parallel::Communicator const& world, std::vector<PooledImage> images, int planes);

  /// Fills the rows; false: they are not to be had (what failed is known to the caller).
  using MakeRows = std::function<bool(std::size_t image, ImageRows& rows)>;
  /// Is given a whole image.
  using Finish = std::function<void(std::size_t image, ImageRows& whole)>;

  /// Neither function makes collective calls or throws, but for a bug. Collective, once at the end.
  void run(MakeRows const& make, Finish const& finish) const;

  /// Bytes a rank holds at most while it runs: images whole, in part and passing, and a copy that `finish` may make.
  static std::int64_t bytes_held(parallel::Communicator const& world, std::int64_t largest_image_bytes);

 private:
  struct Piece {
    std::size_t image;
    int rank;
    std::int64_t y0, y1;
  };
  std::vector<std::byte> pack(Piece const& piece, ImageRows const& rows) const;
  void join(std::vector<std::vector<std::byte>> received, Finish const& finish) const;
  int owner(std::size_t image) const;

  parallel::Communicator world_;
  std::vector<PooledImage> images_;
  int planes_;
  std::vector<Piece> pieces_;  ///< of all ranks, by image and row
};

}  // namespace tessera::steps
