// The peak of the correlation of two pieces of images.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace tessera::kernels {

/// A piece y0 <= y < y1, x0 <= x < x1 of images of width nx.
struct ImagePiece {
  std::int64_t y0 = 0, y1 = 0, x0 = 0, x1 = 0;
  std::int64_t height() const { return y1 - y0; }
  std::int64_t width() const { return x1 - x0; }
};

struct CorrelationPeak {
  double x = 0, y = 0;      ///< pixels: the second image against the first
  double significance = 0;  ///< height above the median of the correlation around, in robust standard deviations
};

/// Nothing where less than three tenths of the piece have data in both images, or it is narrower than 16 pixels. A
/// piece can tell shifts of up to a third of its sides; further ones are not looked for.
std::optional<CorrelationPeak> correlate_piece(float const* first, float const* second, std::int64_t nx,
                                               ImagePiece const& piece, double search);

/// Bytes it takes for a piece of that size.
std::int64_t correlation_bytes(std::int64_t ny, std::int64_t nx);

}  // namespace tessera::kernels
