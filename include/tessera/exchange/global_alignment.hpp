// All groups of images in one robust least squares: shifts and rolls, offsets of detectors, an absolute datum.
#pragma once
#include <array>
#include <span>
#include <string>
#include <vector>

#include "tessera/exchange/alignment.hpp"

namespace tessera::exchange {

struct GlobalAlignmentOptions {
  bool with_rotation = true;                            ///< a roll a group besides the shift; false: "shift"
  bool with_detector_offsets = false;                   ///< one small shift a detector, common to all groups, sum zero
  double searchrad = 2.0;                               ///< arcsec: largest shift between two groups looked for
  std::vector<double> tolerances{0.3, 0.1, 0.05, 1.0};  ///< arcsec: the ladder of match radii, tried in this order
  double separation = 0.5;       ///< arcsec: sources nearer than this to another of their image are left out
  int minobj = 3;                ///< least matches of a pair of groups, or of a group with the datum
  double significance = 1e-4;    ///< largest chance of a match by accident, over all pairs
  double robust_scale = 2.5;     ///< of the weight function, in standard errors of a residual
  double detector_prior = 0.05;  ///< arcsec: how large detector offsets are thought to be
  double roll_prior = 0.02;      ///< degrees: the same for rolls; a roll that is far larger is not held back
};

/// What a pair of groups that overlap says before the solution; for the report.
struct PairOfGroups {
  int first = 0,
      second = 0;  ///< places in Alignment::groups; second = -1: the datum (of all of the island of the first)
  int matches = 0;
  double expected_by_chance = 0;
  double log10_chance = 0;            ///< of as many matches by chance, anywhere in the search
  std::array<double, 2> shift{0, 0};  ///< arcsec, first minus second in the plane of the first, amid what both see
  double roll = 0;                    ///< degrees, counterclockwise with east to the right, second to first
  double tolerance = 0;               ///< arcsec: the rung of the ladder that was used
  double rival = 0;  ///< significance of the second best shift over that of the best: near 1 is ambiguous
  AlignStatus verdict = AlignStatus::Success;
};

struct GlobalAlignment : Alignment {
  std::vector<PairOfGroups> pairs;
  /// Arcsec along V2 and V3 (the axes of the plane, for images without), to be added to the correction of the group (it
  /// is, in `corrections`); in the order of `detectors`.
  std::vector<std::array<double, 2>> detector_offset;
  std::vector<std::string> detectors;
  /// Of (x, y, roll) of the groups with Success in their order, row-major; arcsec, arcsec, degrees. Empty (and the
  /// errors of the groups 0) where there are more than 1500 groups.
  std::vector<double> covariance;
  double unit_weight_error = 0;  ///< scatter of the residuals in units of the stated errors: 1 when they are right
  double typical_error = 0;      ///< arcsec: median of the errors that sources were found to have, along an axis
  /// Chi squared of the mean residuals of images over its degrees of freedom: 1 when images of a group agree. Much more
  /// (offsets of detectors, distortion) makes all errors larger by its root.
  double image_misfit = 1;
  std::vector<double> gauge_weight;  ///< [group] in the means that are zero without a datum; 0: no gauge
};

/// Solves for all groups at once. Without `datum` (empty) the mean correction of every connected set of groups is zero
/// for the group errors (gauge: weighted mean of shifts and rolls); with it, stars of the datum count as a further
/// image with errors `datum_error` (arcsec). Groups whose matches are insignificant or ambiguous are not used, say so,
/// and get no correction. Images are sorted by group and name first, so their order does not matter; the plane of a
/// group is that of its first image by name. See docs/design/global-alignment.md.
GlobalAlignment align_globally(std::span<AlignImage const> images, std::span<model::Star const> datum,
                               double datum_error, GlobalAlignmentOptions const& options);

}  // namespace tessera::exchange
