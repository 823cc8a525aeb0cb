// Where the images of a set lie: groups of neighbours with a grid each, and the pairs that may overlap.
#pragma once
#include <vector>

#include "match_sets.hpp"

namespace tessera::steps {

/// Two images of a set that may overlap, by their outlines.
struct CandidatePair {
  int set = 0;
  int first = 0, second = 0;  ///< images of the set, first < second
  double shared_pixels = 0;   ///< of the grid, in the boxes of both: an upper limit
};

/// A set on the sky.
struct SetLayout {
  std::vector<int> island;                ///< [image] group of images near each other
  std::vector<model::SkyGrid> grids;      ///< [island] common grid (spec 40, P7); none where an image is alone
  std::vector<model::SkyPoint> centre;    ///< [image]
  std::vector<std::int64_t> pixels;       ///< [image] of the grid, in the box that holds it: an upper limit
  std::vector<CandidatePair> candidates;  ///< ordered so that neighbours in the list share images

  model::SkyGrid const& grid_of(int image) const {
    return grids[static_cast<std::size_t>(island[static_cast<std::size_t>(image)])];
  }
};

/// Lays out a set. Images that cannot be neighbours of any other are islands of their own: an exposure with a wild WCS
/// neither stretches the grid of the others nor stops them. Independent, the same on all ranks.
SetLayout lay_out_set(MatchPool const& pool, MatchSet const& set, int number);

}  // namespace tessera::steps
