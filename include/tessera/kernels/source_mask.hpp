// A mask of sources (spec 40, P3).
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

namespace tessera::kernels {

struct SourceMaskOptions {
  double nsigma = 3;
  int npixels = 3;  ///< smaller components are dropped
  int dilate = 11;  ///< side of the square that masks grow by; 0 or 1: not at all
  std::optional<int> maxiters = 5;
};

/// 1 where there is a source, [ny][nx]. Pixels with `stat_mask` (may be null) take no part in the statistics but may be
/// detected; NaN never is. 8-connected components; an even square is off centre towards lower indices.
std::vector<std::uint8_t> make_source_mask(float const* data, std::uint8_t const* stat_mask, std::int64_t nx,
                                           std::int64_t ny, SourceMaskOptions const& options);
std::vector<std::uint8_t> make_source_mask(double const* data, std::uint8_t const* stat_mask, std::int64_t nx,
                                           std::int64_t ny, SourceMaskOptions const& options);

/// The detections above `threshold` alone: components of at least `npixels`, grown.
std::vector<std::uint8_t> mask_above(float const* data, double threshold, std::int64_t nx, std::int64_t ny,
                                     SourceMaskOptions const& options);

/// Grows the mask [ny][nx] by a square of side `size`, in place: pixel p is set where any of p - (size - 1) / 2 to
/// p + size / 2 was, on both axes.
void dilate_mask(std::vector<std::uint8_t>& mask, std::int64_t nx, std::int64_t ny, int size);

}  // namespace tessera::kernels
