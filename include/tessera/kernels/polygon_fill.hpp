// The pixels of a polygon by the rule of the official skymatch (spec 30, 2.2).
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "tessera/model/sky_grid.hpp"

namespace tessera::kernels {

/// Pixels x0 <= x < x1 of row y.
struct PixelRun {
  std::int64_t y = 0, x0 = 0, x1 = 0;
  bool operator==(PixelRun const&) const = default;
};

/// Pixels of an nx x ny image in the polygon, as runs in row-major order that do not touch. Vertices are 0-based pixels
/// in order, the first not necessarily repeated; they are rounded to whole pixels, and both ends of a row belong to it.
/// A vertex within 1e-6 of -0.5 is taken for -0.5, the edge of an image: rounding noise would move the region by a
/// pixel. No pixels for fewer than three vertices or one that is not finite.
std::vector<PixelRun> fill_polygon(std::span<model::PixelPoint const> vertices, std::int64_t nx, std::int64_t ny);

/// The union of runs in any order, in row-major order; runs that touch or overlap are joined.
std::vector<PixelRun> unite_runs(std::vector<PixelRun> runs);

std::int64_t count_pixels(std::span<PixelRun const> runs);

}  // namespace tessera::kernels
