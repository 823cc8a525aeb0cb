#include "diffusion_stars.hpp"

#include <algorithm>
#include <cmath>

#include "tessera/core/error.hpp"
#include "tessera/exchange/loaded_exposure.hpp"
#include "tessera/kernels/constrained_diffusion.hpp"

namespace tessera::steps {

namespace {

constexpr int MostScales = 4;  ///< that pjpipe makes
constexpr double Border = 4;   ///< pixels: the diffusion sees zeros outside, and corners of the image look like sources

/// Median of the errors above 0; 0 where there is none.
double median_error(std::vector<float> errors) {
  std::erase_if(errors, [](float error) { return !(error > 0) || !std::isfinite(error); });
  if (errors.empty()) return 0;
  auto const middle = errors.begin() + static_cast<std::ptrdiff_t>(errors.size() / 2);
  std::nth_element(errors.begin(), middle, errors.end());
  if (errors.size() % 2 == 1) return static_cast<double>(*middle);
  return 0.5 * (static_cast<double>(*middle) + static_cast<double>(*std::max_element(errors.begin(), middle)));
}

}  // namespace

std::vector<model::Star> list_diffusion_stars(store::ExposureReader const& reader, DiffusionStars const& options) {
  auto const exposure = exchange::load_exposure(reader, false);
  if (exposure.err.empty())
    throw InputError({"an exposure without ERR", reader.record().path,
                      "an extension ERR, in whose units constrained_diffusion has its threshold", "none",
                      "take custom_catalog_function out, or leave this file out"});
  double const error = median_error(exposure.err);
  bool const is_empty =
      std::all_of(exposure.bad.begin(), exposure.bad.end(), [](std::uint8_t bad) { return bad != 0; });
  if (is_empty || !(error > 0)) return {};
  auto const plan = kernels::plan_diffusion(exposure.nx, exposure.ny, std::min(options.pivot_scale, MostScales));
  auto const compact = kernels::compact_part(
      {exposure.sci.data(), exposure.bad.data(), exposure.nx, exposure.ny, 0, exposure.ny}, 0, exposure.ny, plan);
  kernels::StarFinderOptions finder;
  finder.threshold = options.snr_threshold * error;
  finder.fwhm = 2;
  finder.min_separation = 5;  // photutils' 2.5 FWHM
  finder.roundlo = 0;
  finder.roundhi = 0.1;
  finder.sharplo = 0.8;
  finder.sharphi = 1.1;
  auto stars = kernels::find_stars(compact.data(), exposure.bad.data(), exposure.nx, exposure.ny, finder);
  std::erase_if(stars, [&](model::Star const& star) {
    return !(star.x >= Border && star.x <= static_cast<double>(exposure.nx - 1) - Border && star.y >= Border &&
             star.y <= static_cast<double>(exposure.ny - 1) - Border);
  });
  kernels::keep_brightest(stars, options.max_sources);
  return stars;
}

std::int64_t diffusion_stars_bytes(store::ExposureRecord const& record) {
  return exchange::loaded_exposure_bytes(record) + 28 * record.nx * record.ny;
}

}  // namespace tessera::steps
