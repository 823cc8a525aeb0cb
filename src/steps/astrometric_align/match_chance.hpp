// How likely a number of matches is by chance, and where two lists of positions agree best (spec 40, 3, item 6).
#pragma once
#include <array>
#include <span>

#include "tessera/kernels/match_stars.hpp"

namespace tessera::steps {

using kernels::PlanePosition;

/// log10 of the probability of `count` or more of a Poisson distribution of mean `expected`; 0 where count <= expected.
double log10_chance(int count, double expected);

/// The shift (image minus reference) within `searchrad` on either axis at which most stars fall together, within about
/// `tolerance`, and how strong the next best is that lies further than three tolerances from it.
struct DensestShift {
  std::array<double, 2> shift{0, 0};
  int count = 0, rival = 0;  ///< differences in the window, a square of two tolerances a side
  double expected = 0;       ///< of them in a window elsewhere
};
DensestShift find_densest_shift(std::span<PlanePosition const> image, std::span<PlanePosition const> reference,
                                double searchrad, double tolerance);

/// Pairs of two lists that are scattered evenly over `area`.
double pairs_by_density(std::span<PlanePosition const> image, std::span<PlanePosition const> reference,
                        double tolerance, double area);

/// Pairs that are found when the lists are moved apart, on rings around `shift`: what chance gives there, the
/// clustering of the stars included. Never less than what their mean density over `area` gives.
double pairs_by_chance(std::span<PlanePosition const> image, std::span<PlanePosition const> reference,
                       std::array<double, 2> const& shift, double tolerance, double separation, double area);

}  // namespace tessera::steps
