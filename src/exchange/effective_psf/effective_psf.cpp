#include "tessera/exchange/effective_psf.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "stamp_reader.hpp"

namespace tessera::exchange {

namespace {

constexpr double LeastPeak = 15;         ///< in units of the noise
constexpr double NeighbourLight = 0.03;  ///< of the star's: less does not matter
constexpr double LargestGap = 0.1;       ///< fraction of the fitted pixels that may be missing

/// Whether all is there that the PSF is to be measured from.
bool is_good(StarStamp const& stamp, PsfSize const& size) {
  double const core = std::max(1.5, size.fwhm);
  int missing = 0, all = 0;
  float peak = 0, noise = 0;
  float lowest = HUGE_VALF;
  for (int row = 0; row < stamp.side; ++row)
    for (int column = 0; column < stamp.side; ++column) {
      double const dx = static_cast<double>(stamp.x0 + column) - stamp.star.x;
      double const dy = static_cast<double>(stamp.y0 + row) - stamp.star.y;
      double const r = std::hypot(dx, dy);
      if (r > size.fit_radius) continue;
      auto const k = static_cast<std::size_t>(row * stamp.side + column);
      float const value = stamp.value[k], error = stamp.error[k];
      bool const has_data = std::isfinite(value) && std::isfinite(error) && error > 0;
      if (!has_data && r <= core) return false;
      ++all;
      missing += has_data ? 0 : 1;
      if (!has_data) continue;
      lowest = std::min(lowest, value);
      if (noise > 0 && value <= peak) continue;
      peak = value;
      noise = error;
    }
  return missing <= LargestGap * all && noise > 0 && peak - lowest >= static_cast<float>(LeastPeak) * noise;
}

bool is_alone(std::size_t star, std::span<model::Star const> stars, PsfSize const& size) {
  double const reach = size.radius + size.fwhm;
  for (std::size_t k = 0; k < stars.size(); ++k) {
    if (k == star || stars[k].flux < NeighbourLight * stars[star].flux) continue;
    if (std::hypot(stars[k].x - stars[star].x, stars[k].y - stars[star].y) < reach) return false;
  }
  return true;
}

kernels::StampView view_of(StarStamp const& stamp) {
  return {stamp.x0, stamp.y0, stamp.side, stamp.value.data(), stamp.error.data()};
}

}  // namespace

PsfSize psf_size(double fwhm_pixels) {
  PsfSize size;
  size.fwhm = fwhm_pixels > 0 ? fwhm_pixels : 2.5;
  double const with_pixel = std::sqrt(size.fwhm * size.fwhm + 0.6);  // the box of a pixel adds 1/12 to the variance
  size.fit_radius = std::max(4.0, 2.5 * with_pixel);
  size.radius = static_cast<int>(std::ceil(size.fit_radius)) + 1;
  return size;
}

std::vector<StarStamp> cut_psf_stamps(store::ExposureReader const& reader, std::span<model::Star const> stars,
                                      PsfSize const& size, std::size_t at_most) {
  // The brightest; more than are asked for are looked at, for some have bad pixels.
  std::vector<std::size_t> order(stars.size());
  for (std::size_t k = 0; k < order.size(); ++k) order[k] = k;
  std::erase_if(order, [&](std::size_t k) {
    auto const& star = stars[k];
    double const border = size.radius;
    return !(star.flux > 0 && star.x >= border && star.y >= border &&
             star.x <= static_cast<double>(reader.record().nx - 1) - border &&
             star.y <= static_cast<double>(reader.record().ny - 1) - border) ||
           !is_alone(k, stars, size);
  });
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return stars[a].flux > stars[b].flux; });
  order.resize(std::min(order.size(), 2 * at_most + 50));
  std::vector<model::Star> candidates;
  for (auto const k : order) candidates.push_back(stars[k]);
  std::vector<std::pair<std::size_t, StarStamp>> found;
  read_stamps(reader, candidates, size.stamp_side(), [&](std::size_t star, StarStamp const& stamp) {
    if (is_good(stamp, size)) found.emplace_back(star, stamp);
  });
  std::sort(found.begin(), found.end(), [](auto const& a, auto const& b) { return a.first < b.first; });
  std::vector<StarStamp> stamps;
  for (auto& [star, stamp] : found)
    if (stamps.size() < at_most) stamps.push_back(std::move(stamp));
  return stamps;
}

MeasuredPsf measure_psf(std::vector<StarStamp> const& stamps, PsfSize const& size) {
  std::vector<kernels::PsfStar> stars;
  for (auto const& stamp : stamps) stars.push_back({view_of(stamp), stamp.star.x, stamp.star.y});
  kernels::BuildPsfOptions options;
  options.fwhm = size.fwhm;
  options.fit_radius = size.fit_radius;
  options.radius = size.radius;
  auto built = kernels::build_effective_psf(stars, options);
  MeasuredPsf measured;
  measured.account = built.problem;
  if (!built.psf.is_empty())
    measured.account = fmt::format("PSF of {} stars, FWHM {:.2f} pixels, model error {:.1f} %", built.stars,
                                   built.psf.fwhm(), 100 * built.model_error);
  measured.psf = std::move(built.psf);
  measured.model_error = built.model_error;
  return measured;
}

CentreCounts fit_centres(store::ExposureReader const& reader, std::vector<model::Star>& stars, PsfSize const& size,
                         MeasuredPsf const& measured) {
  CentreCounts counts;
  std::vector<model::Star> const found = stars;
  kernels::FitStarOptions options;
  options.radius = size.fit_radius;
  options.model_error = measured.model_error;
  std::vector<bool> is_fitted(stars.size(), false);
  read_stamps(reader, found, size.stamp_side(), [&](std::size_t k, StarStamp const& stamp) {
    std::vector<kernels::Neighbour> neighbours;
    for (std::size_t other = 0; other < found.size(); ++other)
      if (other != k && std::abs(found[other].x - found[k].x) < options.radius + 1 &&
          std::abs(found[other].y - found[k].y) < options.radius + 1)
        neighbours.push_back({found[other].x, found[other].y});
    auto const fit = kernels::fit_star(view_of(stamp), measured.psf, found[k].x, found[k].y, neighbours, options);
    if (!fit.good) return;
    is_fitted[k] = true;
    stars[k].x = fit.x;
    stars[k].y = fit.y;
    stars[k].error = fit.error;
  });
  auto const wcs = reader.wcs();
  for (std::size_t k = 0; k < stars.size(); ++k) {
    auto const sky = is_fitted[k] ? wcs->pixel_to_sky({stars[k].x, stars[k].y}) : model::SkyPoint{NAN, NAN};
    if (std::isfinite(sky.ra) && std::isfinite(sky.dec)) {
      stars[k].ra = sky.ra;
      stars[k].dec = sky.dec;
      ++counts.fitted;
    } else {
      stars[k] = found[k];
      ++counts.kept;
    }
  }
  return counts;
}

}  // namespace tessera::exchange
