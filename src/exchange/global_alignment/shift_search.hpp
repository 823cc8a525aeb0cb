// The shift between two lists of positions, as the densest place among all their differences, tested against chance.
#pragma once
#include <span>
#include <vector>

#include "plane_grid.hpp"

namespace tessera::exchange {

/// log10 of the probability that a Poisson number of mean `expected` is at least `count`; 0 where count <= expected.
double log10_poisson_tail(double count, double expected);

struct ShiftPeak {
  PlanePosition shift;      ///< centre of mass of the differences within the tolerance
  double count = 0;         ///< differences in the window, a square of twice the tolerance
  double expected = 0;      ///< of them by chance
  double log10_chance = 0;  ///< of one window; times `places` for the whole search
};

struct ShiftSearch {
  ShiftPeak best, rival;  ///< rival: the second best, more than three tolerances away
  double places = 1;      ///< independent windows that were looked at
};

/// `differences` within the square of half width `searchrad`; `density` of accidental ones an arcsec squared, from the
/// densities of the two lists. What a window holds by chance is the largest of three: by `density`, by the mean of all
/// differences outside the best window, by those in a frame around the window (sources cluster).
ShiftSearch search_shift(std::span<PlanePosition const> differences, double searchrad, double tolerance,
                         double density);

}  // namespace tessera::exchange
