// Sky levels of many regions of one image.
#pragma once
#include <optional>
#include <span>
#include <vector>

#include "tessera/kernels/polygon_fill.hpp"
#include "tessera/kernels/sky_statistic.hpp"

namespace tessera::kernels {

/// The sky of each region of an image with rows of `nx` pixels, NaN where there is no data. At most `at_once` regions
/// are measured at a time, each by one thread, with 8 bytes for each of its pixels; the result does not depend on it.
std::vector<std::optional<SkyStatistic>> measure_sky_regions(std::span<float const> image, std::int64_t nx,
                                                             std::span<std::vector<PixelRun> const> regions,
                                                             SkyStatisticOptions const& options, int at_once);

}  // namespace tessera::kernels
