// tweakreg's relative and absolute stages on lists of sources (spec 30, 1.6 to 1.10).
#pragma once
#include <span>
#include <vector>

#include "tessera/exchange/alignment.hpp"

namespace tessera::exchange {

/// One stage of tweakreg: the parameters without, or with, "abs_" in front.
struct StageOptions {
  int minobj = 15;
  double searchrad = 2.0;  ///< arcsec
  bool use2dhist = true;
  double separation = 1.0;          ///< arcsec
  double tolerance = 0.7;           ///< arcsec
  double xoffset = 0, yoffset = 0;  ///< arcsec
  kernels::FitGeometry fitgeometry = kernels::FitGeometry::Rshift;
  int nclip = 3;
  double sigma = 3;
};

struct TweakregOptions {
  bool enforce_user_order = false, expand_refcat = false;
  bool absolute_by_group = false;  ///< with a catalogue: every group onto it by itself, see align_by_group
  double catalogue_error = 0.005;  ///< arcsec along an axis, of the catalogue of align_by_group
  StageOptions relative;
  StageOptions absolute{.searchrad = 6.0};
};

/// The relative stage. Fewer than two groups with sources, or a tolerance that the separation does not allow, are a
/// `problem`. Groups that move too far fail all (TooLarge), and every WCS stays as it was.
Alignment align_relative(std::span<AlignImage const> images, TweakregOptions const& options);

/// Name of the group of all images in the absolute stage.
inline constexpr char const* AbsoluteGroup = "absolute";

/// The absolute stage: all images as one rigid group (AbsoluteGroup) onto `catalogue` (ra, dec, weight). Where the
/// relative stage has succeeded its corrections must be in the images (their planes, corners, star positions): see
/// apply_alignment.
Alignment align_absolute(std::span<AlignImage const> images, std::span<model::Star const> catalogue,
                         TweakregOptions const& options);

/// Every group onto the catalogue by itself, with the options of the absolute stage; those with too few matches then
/// onto the catalogue and the stars of the groups that were aligned, until no more succeed. A group that moves too far
/// fails by itself (TooLarge). Sightings of a star within a group are averaged, and the fits are robust and weighted by
/// the errors of the stars, `catalogue_error` and a scatter that is learnt: nclip and sigma only start them. What
/// groups have in common but for the catalogue plays no part: errors do not add up along a chain of narrow overlaps,
/// but groups lie as well on each other as each lies on the catalogue.
Alignment align_by_group(std::span<AlignImage const> images, std::span<model::Star const> catalogue,
                         TweakregOptions const& options);

/// Both, as the official step does them; with absolute_by_group and a catalogue align_by_group, and where that aligns
/// nothing the relative stage alone. An empty catalogue: no absolute stage; with one the relative stage always
/// expands its reference catalogue (jwst 1.13 to 3.0; spec 30, 9 has it for 1.13.4 alone). The corrections are the
/// composition of both, on top of the WCS that the images came with. A failed absolute stage leaves the relative
/// solution standing (a documented choice, spec 30, 7). The groups of the relative stage come first, then AbsoluteGroup
/// where there was one; `problem` says what went wrong in either, or `warning` in the relative stage where the absolute
/// one succeeded: all images have its correction then.
Alignment align(std::vector<AlignImage> images, std::span<model::Star const> catalogue, TweakregOptions const& options);

/// Moves star positions and corners of the images by the corrections.
void apply_alignment(std::span<AlignImage> images, Alignment const& alignment);

}  // namespace tessera::exchange
