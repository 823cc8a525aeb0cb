// Which groups hang together: shifts of all pairs that overlap, and those that agree around closed loops.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "adjustment.hpp"
#include "pair_fit.hpp"

namespace tessera::exchange {

/// A pair of groups (second TheDatum: with the catalogue) that see a piece of sky in common.
struct PairEdge {
  int first = 0, second = TheDatum;  ///< of GroupLists::groups
  PairFit fit;
  bool is_used = false;
  bool contradicts = false;     ///< the others say something else around closed loops
  bool is_unconfirmed = false;  ///< few of its matches are left in the joint solution
  double misfit = 0;            ///< arcsec: by how much it contradicts
  /// Where the first sees what the second sees at the other: four places that stand for all matches.
  std::array<std::pair<sky::Vector3, sky::Vector3>, 4> places;
  double place_variance = 1;  ///< arcsec squared along one axis of the difference of a place
};

/// Fits all pairs whose footprints are near; in the order of the groups, the datum last.
std::vector<PairEdge> fit_pairs(GroupLists const& lists, GlobalAlignmentOptions const& options);

/// Drops used pairs, the worst first, until all agree, and brings `adjustment` (without offsets of detectors) near the
/// solution of those that stay.
void drop_contradictions(std::vector<PairEdge>& edges, Adjustment& adjustment);

/// Island of each group, numbered by first group; -1: in no used pair. Pairs with the datum count: what hangs
/// together by the datum alone is one island.
struct Islands {
  std::vector<int> of_group;
  std::vector<bool> has_datum;  ///< [island]
};
Islands find_islands(std::vector<PairEdge> const& edges, std::size_t groups);

/// Islands without a datum, all of their stars together, against the datum; what fits becomes a used pair of the first
/// group of the island. `adjustment` holds the solution of the islands.
void tie_islands_to_datum(GroupLists const& lists, GlobalAlignmentOptions const& options, Adjustment const& adjustment,
                          std::vector<PairEdge>& edges);

/// Whether group `lonely` fits another, or the datum, when its images are turned by 180 degrees, each about its own
/// tangent point.
bool fits_upside_down(GroupLists const& lists, SortedImages const& images, int lonely,
                      GlobalAlignmentOptions const& options);

}  // namespace tessera::exchange
