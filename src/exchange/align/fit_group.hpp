// One group of images matched and fitted to a list of sky positions (spec 30, 1.7 to 1.9).
#pragma once
#include <span>
#include <vector>

#include "motion_errors.hpp"
#include "tessera/exchange/align_groups.hpp"

namespace tessera::exchange {

/// A position that others are aligned to.
struct ReferenceStar {
  double ra = 0, dec = 0, weight = 1;
  int group = FitTie::Exact;  ///< whose position it is; Exact: of a catalogue, or of what errors are counted from
  double error = 0;           ///< arcsec along an axis; 0: not known
};

/// Images of one group, in list order; the plane of the fit is that of the first.
using GroupImages = std::vector<AlignImage const*>;

/// Stars of all images of a group, one after the other.
std::vector<ReferenceStar> stars_of(GroupImages const& images);

struct MatchedGroup {
  GroupFit fit;  ///< status, and the solution in the plane of the first image; `group` and `error` are not set
  std::vector<bool> matched;  ///< [star of stars_of(images)]: has a partner in the reference
  std::vector<std::pair<std::size_t, std::size_t>> pairs;  ///< of the fit: star of stars_of(images), of the reference
  std::vector<double> pair_weights;                        ///< mean 1
  TieError error;                                          ///< of a pair of weight 1
};

/// How pairs are weighted and wrong ones left out.
enum class PairWeights {
  OfLists,  ///< the weights of the lists, and clipping at `sigma` (spec 30, 1.9)
  OfErrors  ///< errors of both lists and a robust weight function, see robust_fit.hpp
};

/// Independent of what the images are named; an image without stars contributes nothing.
MatchedGroup fit_group(GroupImages const& images, std::span<ReferenceStar const> reference, StageOptions const& options,
                       PairWeights weights = PairWeights::OfLists);

/// Positions on the sky moved by a correction of the image's WCS.
void move_sky(sky::CorrectionPlane const& plane, model::WcsCorrection const& correction, double& ra, double& dec);

}  // namespace tessera::exchange
