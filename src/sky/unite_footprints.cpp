#include "tessera/sky/unite_footprints.hpp"

#include <algorithm>
#include <clipper.hpp>
#include <cmath>

#include "tessera/sky/footprint.hpp"
#include "tessera/sky/wcs.hpp"

namespace tessera::sky {

namespace {

/// The clipper works on integers: pixels times this.
constexpr double Fine = 65536;

ClipperLib::IntPoint fine_point(double x, double y) { return {std::llround(x * Fine), std::llround(y * Fine)}; }

ClipperLib::Path frame_path(model::SkyGrid const& grid) {
  double const right = static_cast<double>(grid.nx) - 0.5, top = static_cast<double>(grid.ny) - 0.5;
  return {fine_point(-0.5, -0.5), fine_point(right, -0.5), fine_point(right, top), fine_point(-0.5, top)};
}

}  // namespace

std::vector<model::SkyPolygon> unite_footprints(model::SkyGrid const& grid,
                                                std::vector<model::SkyPolygon> const& footprints) {
  auto const wcs = make_grid_wcs(grid);
  ClipperLib::Paths outlines;
  for (auto const& footprint : footprints) {
    ClipperLib::Path path;
    bool finite = true;
    for (auto const& vertex : footprint) {
      auto const pixel = wcs->sky_to_pixel(vertex);
      finite = finite && std::isfinite(pixel.x) && std::isfinite(pixel.y);
      if (finite) path.push_back(fine_point(pixel.x, pixel.y));
    }
    if (!finite || path.size() < 3) continue;
    // All the same way round: with the non-zero rule opposite windings would cancel where they overlap.
    if (!ClipperLib::Orientation(path)) ClipperLib::ReversePath(path);
    outlines.push_back(std::move(path));
  }
  ClipperLib::Clipper clipper;
  clipper.AddPaths(outlines, ClipperLib::ptSubject, true);
  clipper.AddPath(frame_path(grid), ClipperLib::ptClip, true);
  ClipperLib::Paths united;
  clipper.Execute(ClipperLib::ctIntersection, united, ClipperLib::pftNonZero, ClipperLib::pftNonZero);
  std::erase_if(united, [](ClipperLib::Path const& path) { return !ClipperLib::Orientation(path); });  // holes
  std::stable_sort(united.begin(), united.end(), [](ClipperLib::Path const& a, ClipperLib::Path const& b) {
    return std::abs(ClipperLib::Area(a)) > std::abs(ClipperLib::Area(b));
  });

  std::vector<model::SkyPolygon> polygons;
  for (auto const& path : united) {
    model::SkyPolygon polygon;
    for (auto const& point : path)
      polygon.push_back(
          wcs->pixel_to_sky(PixelPoint{static_cast<double>(point.X) / Fine, static_cast<double>(point.Y) / Fine}));
    polygons.push_back(std::move(polygon));
  }
  return polygons;
}

std::string format_s_regions(std::vector<model::SkyPolygon> const& polygons) {
  std::string text;
  for (auto const& polygon : polygons)
    if (auto const one = format_s_region(polygon)) text += (text.empty() ? "" : " ") + *one;
  return text;
}

}  // namespace tessera::sky
