#include "tessera/kernels/sky_regions.hpp"

#include <algorithm>
#include <cmath>

#include "tessera/compute/views.hpp"

namespace tessera::kernels {

namespace {

std::optional<SkyStatistic> measure_region(std::span<float const> image, std::int64_t nx,
                                           std::span<PixelRun const> region, SkyStatisticOptions const& options) {
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(count_pixels(region)));
  for (auto const& run : region) {
    auto const row = image.begin() + run.y * nx;
    std::copy_if(row + run.x0, row + run.x1, std::back_inserter(values), [](float v) { return !std::isnan(v); });
  }
  return measure_sky(values, options);
}

}  // namespace

std::vector<std::optional<SkyStatistic>> measure_sky_regions(std::span<float const> image, std::int64_t nx,
                                                             std::span<std::vector<PixelRun> const> regions,
                                                             SkyStatisticOptions const& options, int at_once) {
  std::vector<std::optional<SkyStatistic>> skies(regions.size());
  using Policy = Kokkos::RangePolicy<compute::HostExecution, Kokkos::Schedule<Kokkos::Dynamic>>;
  std::size_t const most = static_cast<std::size_t>(std::max(1, at_once));
  for (std::size_t begin = 0; begin < regions.size(); begin += most) {
    std::size_t const end = std::min(regions.size(), begin + most);
    Kokkos::parallel_for("tessera::measure_sky_regions", Policy(begin, end).set_chunk_size(1),
                         [&](std::size_t const k) { skies[k] = measure_region(image, nx, regions[k], options); });
  }
  return skies;
}

}  // namespace tessera::kernels
