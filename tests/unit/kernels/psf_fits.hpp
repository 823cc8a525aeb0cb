// PSFs built from made stars, and the centres they give, beside the finder's.
#pragma once
#include <algorithm>
#include <numbers>

#include "support/optics_psf.hpp"
#include "tessera/kernels/build_psf.hpp"
#include "tessera/kernels/find_stars.hpp"

namespace tessera::test {

/// Sizes for a band, as exchange::psf_size gives them.
inline kernels::BuildPsfOptions options_for(double fwhm) {
  kernels::BuildPsfOptions options;
  options.fwhm = fwhm;
  options.fit_radius = std::max(4.0, 2.5 * std::sqrt(fwhm * fwhm + 0.6));
  options.radius = static_cast<int>(std::ceil(options.fit_radius)) + 1;
  return options;
}

/// Starts as a finder gives them: off by up to a quarter of a pixel, towards the middle of the pixel.
inline std::vector<kernels::PsfStar> stars_of(std::vector<MadeStamp> const& stamps) {
  std::vector<kernels::PsfStar> stars;
  auto const biased = [](double v) { return v - 0.2 * std::sin(2 * std::numbers::pi * v); };
  for (auto const& stamp : stamps) stars.push_back({stamp.view(), biased(stamp.x), biased(stamp.y)});
  return stars;
}

inline CentreErrors fit_all(std::vector<MadeStamp> const& stamps, kernels::BuiltPsf const& built, double radius) {
  CentreErrors errors;
  kernels::FitStarOptions options;
  options.radius = radius;
  options.model_error = built.model_error;
  for (auto const& stamp : stamps) {
    auto const fit = kernels::fit_star(stamp.view(), built.psf, std::round(stamp.x), std::round(stamp.y), {}, options);
    if (fit.good) errors.add(fit.x - stamp.x, stamp.x, fit.error);
  }
  return errors;
}

/// The finder's centres of the same stars, no limits on shape.
inline CentreErrors find_all(std::vector<MadeStamp> const& stamps, double fwhm) {
  CentreErrors errors;
  kernels::StarFinderOptions options;
  options.threshold = 20;
  options.fwhm = fwhm;
  options.sharplo = options.roundlo = -100;
  options.sharphi = options.roundhi = 100;
  for (auto const& stamp : stamps) {
    auto image = stamp.value;
    for (auto& value : image) value -= 50;
    for (auto const& star : kernels::find_stars(image.data(), nullptr, stamp.side, stamp.side, options))
      if (std::hypot(star.x - stamp.x, star.y - stamp.y) < 1) errors.add(star.x - stamp.x, stamp.x, 1);
  }
  return errors;
}

}  // namespace tessera::test
