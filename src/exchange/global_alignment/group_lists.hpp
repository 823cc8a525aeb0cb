// The sources of all images, cleaned and sorted by groups: what the global alignment works on.
#pragma once
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "plane_grid.hpp"
#include "tessera/exchange/global_alignment.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::exchange {

inline constexpr double ArcsecPerRadian = 3600 * sky::DegreesPerRadian;
inline constexpr double LeastTowards =
    0.5;  ///< cosine of the distance from a tangent point: positions further off are not used
inline constexpr int TheDatum = -1;  ///< as a group, and as an image

/// Gnomonic position in arcsec: x to the east, y to the north of the centre of `axes`.
inline PlanePosition to_plane(sky::TangentAxes const& axes, sky::Vector3 direction) {
  double const towards = sky::dot(direction, axes.centre) / ArcsecPerRadian;
  return {sky::dot(direction, axes.east) / towards, sky::dot(direction, axes.north) / towards};
}
/// A direction of length near one.
inline sky::Vector3 from_plane(sky::TangentAxes const& axes, PlanePosition at) {
  return axes.centre + (at.x / ArcsecPerRadian) * axes.east + (at.y / ArcsecPerRadian) * axes.north;
}
/// Axes of the plane tangent at a direction of any length, without angles: this is done for every star.
inline sky::TangentAxes axes_at(sky::Vector3 direction) {
  sky::Vector3 const centre = (1 / sky::length(direction)) * direction;
  double const equator = std::sqrt(centre.x * centre.x + centre.y * centre.y);
  sky::Vector3 const east =
      equator > 0 ? sky::Vector3{-centre.y / equator, centre.x / equator, 0} : sky::Vector3{0, 1, 0};
  return {centre, east, sky::cross(centre, east)};
}

/// A usable source of one image: finite, no duplicate, no neighbour within the separation.
struct Sighting {
  sky::Vector3 direction;  ///< by the WCS as it is
  int image = TheDatum, group = TheDatum;
  double error = 0;       ///< arcsec along one axis; 0: not known
  double weight = 1;      ///< of the list: divides the variance
  double brightness = 0;  ///< log10 of the flux; NaN: not known
  double faintness = 1;   ///< flux of the faint end of its list (a fifth is fainter) over its own, 0.05 to 3
};

/// Sightings of one group that are the same star.
struct GroupStar {
  sky::Vector3 direction;
  double brightness = 0;
};

/// The part of the sky that an image sees: a circle, and the corners inside it (empty: the circle alone).
struct ImageShape {
  sky::Vector3 centre;
  double radius = 0;  ///< arcsec; < 0: sees nothing
  std::vector<sky::Vector3> corners;
  double area = 0;  ///< arcsec squared
};

struct GroupList {
  int first_image = TheDatum;
  std::vector<int> images;
  sky::TangentAxes axes;  ///< plane of its first image
  std::vector<Sighting> sightings;
  std::vector<GroupStar> stars;
  int sources = 0;     ///< in the lists of its images
  double density = 0;  ///< sightings an arcsec squared: mean of its images

  void merge_sightings(double radius);  ///< makes `stars`
};

/// An image that does not fit the others of its group.
struct SlippedImage {
  int image = 0;
  PlanePosition shift;  ///< arcsec, others minus image
};

struct GroupLists {
  std::vector<GroupList> groups;  ///< sorted by name
  std::vector<ImageShape> shapes;
  std::vector<int> group_of;  ///< [image]
  GroupList datum;
  bool is_datum_near = false;         ///< some of the datum lies in or near an image
  std::vector<SlippedImage> slipped;  ///< left out of the lists of their groups
  std::vector<int> torn;              ///< groups whose images fall into parts of which none is the larger: left out
};

/// Images sorted by group and name: whatever order the caller has them in, the bits are the same.
using SortedImages = std::vector<AlignImage const*>;

GroupLists make_group_lists(SortedImages const& images, std::span<model::Star const> datum, double datum_error,
                            GlobalAlignmentOptions const& options);

/// Sets of points that hang together by steps of at most `radius`, at most one of an owner: sets with two are dropped,
/// for nobody knows which is which. In the order of their first point.
std::vector<std::vector<int>> link_points(std::span<PlanePosition const> points, std::span<int const> owners,
                                          double radius);

/// Images of a group that see the same stars but do not agree (a guide star lost between dithers): those that are
/// fewer are left out; a group without a majority is left out as a whole.
void leave_out_slipped_images(GroupLists& lists, GlobalAlignmentOptions const& options);

/// Whether a position of the plane of `axes` is in the image or at most `margin` (arcsec) outside.
class ShapeInPlane {
 public:
  ShapeInPlane(ImageShape const& shape, sky::TangentAxes const& axes, double margin);
  bool contains(PlanePosition at) const;

 private:
  PlanePosition centre_;
  double radius_, margin_;
  std::vector<PlanePosition> corners_;
};

/// Whether two images have sky in common, or nearly: their circles, `margin` wider.
bool are_near(ImageShape const& a, ImageShape const& b, double margin);

}  // namespace tessera::exchange
