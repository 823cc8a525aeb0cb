// Images that are to be aligned, and how that went: plain values shared by the ways of aligning.
#pragma once
#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tessera/kernels/fit_positions.hpp"
#include "tessera/model/ledger_entry.hpp"
#include "tessera/model/sky_grid.hpp"
#include "tessera/model/star.hpp"
#include "tessera/sky/correct_wcs.hpp"

namespace tessera::exchange {

/// One image (an exposure of one detector, or half of one) as alignment sees it.
struct AlignImage {
  std::string name;                ///< label of the exposure
  std::string group;               ///< images of one group move together
  std::string visit;               ///< "jw02107041001", or the group where the name says nothing
  std::string detector;            ///< "NRCA1"; empty for plain images
  sky::CorrectionPlane plane;      ///< of its WCS as it is now
  model::SkyPolygon corners;       ///< of the bounding box of its WCS, in the order of S_REGION
  double pixel_scale = 0;          ///< arcsec: root of the area of the pixel at the tangent point (spec 30, 1.8)
  std::vector<model::Star> stars;  ///< ra and dec by its WCS as it is now; inside the bounding box
};

enum class AlignStatus {
  NotAligned,  ///< nothing was tried
  Reference,   ///< the others were aligned to it; its WCS stays
  Success,
  NoSources,      ///< "FAILED: empty source catalog"
  TooFewMatches,  ///< fewer than minobj
  Confused,       ///< more pairs than sources
  Insignificant,  ///< as many pairs as chance gives
  Ambiguous,      ///< several shifts fit about as well
  TooLarge,       ///< moves the corners further than the search allowed
  NoOverlap,      ///< sees nothing in common with the others
  NotConnected,   ///< matches the other exposures of its visit, and nothing else
  Singular        ///< the pairs do not determine the fit
};
/// "SUCCESS", "REFERENCE", "FAILED: not enough matches", ...
char const* status_text(AlignStatus status);

/// How one group was aligned. Shift and matrix are in the plane of the group's first image, arcsec:
/// corrected = matrix p + shift.
struct GroupFit {
  std::string group;
  AlignStatus status = AlignStatus::NotAligned;
  std::string reason;  ///< for a person: numbers of what failed; may be empty
  kernels::Matrix2 matrix{{{1, 0}, {0, 1}}};
  std::array<double, 2> shift{0, 0};  ///< arcsec
  /// Standard errors: x, y [arcsec] at the tangent point of the plane, rotation [degrees]; 0: not known. Against the
  /// sky where a catalogue was aligned to, else against the reference group (global: the mean of all).
  std::array<double, 3> error{0, 0, 0};
  int sources = 0, matches = 0;                 ///< found in the group; used in the fit
  double rmse = 0, mae = 0;                     ///< arcsec
  double rms_before = 0;                        ///< arcsec: of the pairs used, before the correction
  double first_tolerance = 0;                   ///< arcsec: the rung of the ladder that was used; 0: as configured
  std::vector<std::array<float, 2>> residuals;  ///< arcsec, reference minus corrected image, of the pairs used
};

/// The outcome for a list of images.
struct Alignment {
  std::string problem;                                           ///< why nothing was aligned; empty when something was
  std::string warning;                                           ///< what went wrong all the same; may be empty
  std::vector<GroupFit> groups;                                  ///< in the order of their first image
  std::vector<std::optional<model::WcsCorrection>> corrections;  ///< [image], on top of its WCS as it is now
};

/// The same images without their stars: all that tables of an alignment need, so that the lists need not be kept.
std::vector<AlignImage> without_stars(std::span<AlignImage const> images);

/// The fit of a group carried from the plane it was made in to the plane of one of its images (spec 30, 1.10).
model::WcsCorrection carry_to_image(kernels::Matrix2 const& matrix, std::array<double, 2> const& shift_arcsec,
                                    sky::CorrectionPlane const& fitted_in, AlignImage const& image);

}  // namespace tessera::exchange
