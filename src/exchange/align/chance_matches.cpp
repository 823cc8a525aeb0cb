#include "chance_matches.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tessera::exchange {

double ChanceMatches::probability(int matches) const {
  if (matches <= 0) return 1;
  if (!(expected > 0)) return 0;
  // Poisson: terms from `matches` on, each from the one before; they fall once past the mean.
  double term = std::exp(matches * std::log(expected) - expected - std::lgamma(matches + 1.0)), sum = 0;
  for (int k = matches; term > 1e-18 * sum || k < expected; ++k) {
    sum += term;
    term *= expected / (k + 1);
    if (k - matches > 100000) break;
  }
  return std::min(1.0, sum * trials);
}

ChanceMatches measure_chance(std::span<kernels::PlanePosition const> image,
                             std::span<kernels::PlanePosition const> reference,
                             std::array<double, 2> const& first_shift, double area, std::size_t reference_count,
                             StageOptions const& options) {
  constexpr int Shifts = 8;
  double const distance = 3 * std::max(options.separation, 2 * options.tolerance);
  kernels::MatchOptions match;
  match.use2dhist = false;
  match.separation = options.separation;
  match.tolerance = options.tolerance;
  double pairs = 0;
  for (int k = 0; k < Shifts; ++k) {
    double const angle = 2 * std::numbers::pi * k / Shifts;
    match.xoffset = first_shift[0] + distance * std::cos(angle);
    match.yoffset = first_shift[1] + distance * std::sin(angle);
    pairs += static_cast<double>(kernels::match_stars(image, reference, match).pairs.size());
  }
  ChanceMatches chance;
  double const disc = std::numbers::pi * options.tolerance * options.tolerance;
  double const strewn =
      area > 0 ? static_cast<double>(image.size()) * static_cast<double>(reference_count) * disc / area : 0;
  chance.expected = std::max(pairs / Shifts, pairs > 0 ? 0.0 : strewn);
  if (options.use2dhist) chance.trials = std::max(1.0, std::pow(options.searchrad / options.tolerance, 2));
  return chance;
}

}  // namespace tessera::exchange
