// Whether two lists of stars have a shift in common, which, and how sure that is.
#pragma once
#include <span>
#include <utility>
#include <vector>

#include "plane_grid.hpp"
#include "tessera/exchange/global_alignment.hpp"

namespace tessera::exchange {

/// Stars of one of two groups in the plane of the first, those near the other group only.
struct PairList {
  std::vector<PlanePosition> at;   ///< arcsec
  std::vector<double> brightness;  ///< log10 flux; NaN: not known
  double density = 0;              ///< arcsec^-2: of the whole list, the least that is believed
};

/// first = centre + R(roll) (second - centre) + shift.
struct PairFit {
  AlignStatus verdict = AlignStatus::TooFewMatches;
  double expected = 0;      ///< matches by chance
  double log10_chance = 0;  ///< of as many matches by chance, anywhere in the search
  double rival = 0;         ///< significance of the second best shift over that of the best
  double tolerance = 0;     ///< arcsec: rung of the ladder
  PlanePosition centre, shift;
  double roll = 0;                         ///< radians, counterclockwise
  double scatter = 0;                      ///< arcsec: of a match along one axis
  std::vector<std::pair<int, int>> pairs;  ///< indices in the lists
};

/// Looks for a shift, then for shift and roll up to a degree. `log10_limit`: largest log10_chance that is accepted.
PairFit fit_pair(PairList const& first, PairList const& second, GlobalAlignmentOptions const& options,
                 double log10_limit);

}  // namespace tessera::exchange
