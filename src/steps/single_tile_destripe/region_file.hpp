// DS9 region files: circles, ellipses, boxes and polygons.
#pragma once
#include <filesystem>
#include <string_view>
#include <vector>

namespace tessera::steps {

/// A point of a plane.
struct PlanePoint {
  double x = 0, y = 0;
};

/// A shape in pixels (0-based) or on the sky (degrees, ICRS).
struct Region {
  enum class Shape { Circle, Ellipse, Box, Polygon };
  Shape shape = Shape::Circle;
  bool is_sky = false;
  bool excludes = false;              ///< written with "-": what lies in it is in no region
  std::vector<PlanePoint> points;     ///< the centre, or the corners of a polygon; on the sky (ra, dec)
  double radius_x = 0, radius_y = 0;  ///< of circle and ellipse; half the sides of a box
  double angle = 0;                   ///< degrees, counterclockwise from the axis x points along (on the sky: west)

  /// Whether a point lies in it: in pixels, or for regions on the sky in degrees on a tangent plane at
  /// `points.front()`, x to the west and y to the north, to which the corners of a polygon have been taken.
  bool contains(PlanePoint point) const;
};

/// Systems: image (1-based pixels), icrs, fk5 and j2000 (both as ICRS: they are equal within 0.03 arcsec); degrees or
/// sexagesimal. Lengths: pixels, or degrees, or with ' " d r at the end. Settings, comments and shapes without an area
/// (points, lines, texts) are passed over. Throws InputError with the line: an unknown system or shape, wrong
/// arguments, no system, a file that cannot be read or has no region.
std::vector<Region> read_region_file(std::filesystem::path const& file);
/// The same of its text; `name` is for messages.
std::vector<Region> parse_regions(std::string_view text, std::string_view name);

}  // namespace tessera::steps
