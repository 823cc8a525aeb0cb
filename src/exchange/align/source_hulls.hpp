// How much of the sky groups of images have in common, as their sources show it (spec 30, 1.6).
#pragma once
#include <span>
#include <vector>

#include "fit_group.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::exchange {

/// A convex polygon on the sky with a circle around it; empty where there is none.
struct SkyHull {
  model::SkyPolygon polygon;
  sky::Vector3 centre;
  double radius = 0;  ///< radians
};

SkyHull make_hull(model::SkyPolygon polygon);
/// Convex hull of positions, by great circles. Empty for fewer than three, or for positions on a line.
SkyHull convex_hull(std::span<ReferenceStar const> stars, sky::CorrectionPlane const& plane);
/// Hull of the sources of an image; the outline of the detector where it has fewer than three.
SkyHull hull_of(AlignImage const& image);

/// Area in common, steradian.
double overlap_area(SkyHull const& a, SkyHull const& b);
/// The same summed over all pairs of hulls.
double overlap_area(std::span<SkyHull const> a, std::span<SkyHull const> b);

}  // namespace tessera::exchange
