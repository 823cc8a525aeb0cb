// What is compared with what in each stage: sets of images, an image being one exposure or several.
#pragma once
#include <string>
#include <vector>

#include "match_pool.hpp"

namespace tessera::steps {

/// An exposure, or several that earlier stages have connected and that are one image from then on.
struct MatchImage {
  std::string name;          ///< "jw..._00001_nrcalong", "jw..._XXXXX_nrcalong", "jw..._XXXXX_nrcbX"
  std::vector<int> members;  ///< exposures of the pool, in catalogue order; those that failed are not among them
};

/// Images that are matched with each other.
struct MatchSet {
  int task = 0;
  std::string name;                ///< dither group, field and module, or target and band
  std::vector<MatchImage> images;  ///< in catalogue order of their first members
  exchange::Gauge gauge;           ///< which image keeps its level
};

/// Name of an exposure as an image, with a half of a coronagraph split as a detector of its own.
std::string exposure_image_name(model::ExposureIdentity const& identity);

/// The sets of a stage over all tasks. Dithers: the exposures of each dither group, also of one exposure; a file
/// without the name of a JWST exposure is a group of its own. Later stages: only sets of two images and more, none
/// where the stage is not asked for.
std::vector<MatchSet> make_match_sets(MatchPool const& pool, MatchStage stage);

/// After a stage: the images of a set that the used pairs connect (the same `component`) become one. An image that they
/// do not reach stays by itself, so that a later stage may find its level.
void join_images(MatchPool& pool, MatchSet const& set, std::vector<int> const& component);

}  // namespace tessera::steps
