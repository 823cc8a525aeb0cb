#include "tile_regions.hpp"

#include <algorithm>
#include <cmath>

#include "region_file.hpp"
#include "tessera/core/error.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::steps {

namespace {

using sky::Vector3;

constexpr std::int64_t Cell = 16;  ///< pixels; between its corners directions are interpolated
constexpr double Margin = 1.01;    ///< of cells and regions, for what is bent

/// Directions of the corners of cells of an exposure.
class CellCorners {
 public:
  CellCorners(sky::Wcs const& wcs, std::int64_t nx, std::int64_t ny)
      : columns_((nx + Cell - 1) / Cell), rows_((ny + Cell - 1) / Cell) {
    auto const width = static_cast<std::size_t>(columns_ + 1);
    std::vector<double> x(width), y(width), ra(width), dec(width);
    for (std::int64_t row = 0; row <= rows_; ++row) {
      for (std::size_t k = 0; k < width; ++k) {
        x[k] = static_cast<double>(Cell) * static_cast<double>(k);
        y[k] = static_cast<double>(Cell * row);
      }
      wcs.pixel_to_sky(x, y, ra, dec);
      for (std::size_t k = 0; k < width; ++k) corners_.push_back(sky::to_vector(ra[k], dec[k]));
    }
  }

  std::int64_t columns() const { return columns_; }
  std::int64_t rows() const { return rows_; }
  Vector3 const& corner(std::int64_t column, std::int64_t row) const {
    return corners_[static_cast<std::size_t>(row * (columns_ + 1) + column)];
  }
  /// Of a place in a cell, 0 to 1 along each side.
  Vector3 within(std::int64_t column, std::int64_t row, double u, double v) const {
    return (1 - v) * ((1 - u) * corner(column, row) + u * corner(column + 1, row)) +
           v * ((1 - u) * corner(column, row + 1) + u * corner(column + 1, row + 1));
  }

 private:
  std::int64_t columns_, rows_;
  std::vector<Vector3> corners_;
};

/// A region on the sky on the tangent plane at its first point, in degrees, x to the west.
struct PlaneRegion {
  sky::TangentAxes axes;
  Region region;
  double reach = 0;  ///< radians: nothing of it is farther from the first point

  explicit PlaneRegion(Region const& given)
      : axes(sky::tangent_axes(model::SkyPoint{given.points.front().x, given.points.front().y})), region(given) {
    reach = std::hypot(given.radius_x, given.radius_y) * sky::RadiansPerDegree;
    for (auto& point : region.points) {
      auto const direction = sky::to_vector(point.x, point.y);
      reach = std::max(reach, sky::separation(axes.centre, direction));
      point = project(direction);
    }
  }

  PlanePoint project(Vector3 const& direction) const {
    double const depth = sky::dot(direction, axes.centre);
    return {-sky::dot(direction, axes.east) / depth * sky::DegreesPerRadian,
            sky::dot(direction, axes.north) / depth * sky::DegreesPerRadian};
  }
};

void mark_pixels(Region const& region, std::int64_t nx, std::int64_t ny, std::uint8_t value,
                 std::vector<std::uint8_t>& inside) {
  for (std::int64_t y = 0; y < ny; ++y)
    for (std::int64_t x = 0; x < nx; ++x)
      if (region.contains({static_cast<double>(x), static_cast<double>(y)}))
        inside[static_cast<std::size_t>(y * nx + x)] = value;
}

void mark_sky(PlaneRegion const& plane, CellCorners const& corners, std::int64_t nx, std::int64_t ny,
              std::uint8_t value, std::vector<std::uint8_t>& inside) {
  for (std::int64_t row = 0; row < corners.rows(); ++row)
    for (std::int64_t column = 0; column < corners.columns(); ++column) {
      auto const middle = corners.within(column, row, 0.5, 0.5);
      double const size = sky::separation(middle, corners.corner(column, row)) +
                          sky::separation(middle, corners.corner(column + 1, row + 1));
      if (!(sky::separation(middle, plane.axes.centre) <= Margin * (plane.reach + size))) continue;
      for (auto y = row * Cell; y < std::min((row + 1) * Cell, ny); ++y)
        for (auto x = column * Cell; x < std::min((column + 1) * Cell, nx); ++x) {
          auto const direction = corners.within(column, row, static_cast<double>(x - column * Cell) / Cell,
                                                static_cast<double>(y - row * Cell) / Cell);
          if (sky::dot(direction, plane.axes.centre) > 0 && plane.region.contains(plane.project(direction)))
            inside[static_cast<std::size_t>(y * nx + x)] = value;
        }
    }
}

}  // namespace

std::int64_t leave_out_regions(std::filesystem::path const& file, sky::Wcs const* wcs, std::int64_t nx, std::int64_t ny,
                               std::vector<std::uint8_t>& bad) {
  auto regions = read_region_file(file);
  bool const has_sky = std::any_of(regions.begin(), regions.end(), [](Region const& region) { return region.is_sky; });
  if (has_sky && !wcs)
    throw InputError({.what = "regions on the sky, and the exposure has no WCS",
                      .where = file.string(),
                      .expected = "regions in image coordinates, or references for a WCS",
                      .found = "icrs or fk5",
                      .remedy = "give distortion references, or list single_tile_destripe after lv2"});
  // Exclusions come last, whatever the order in the file; of them alone, they are taken out of the whole exposure.
  std::stable_partition(regions.begin(), regions.end(), [](Region const& region) { return !region.excludes; });
  std::vector<std::uint8_t> inside(bad.size(), regions.front().excludes ? 1 : 0);
  std::vector<CellCorners> corners;
  if (has_sky) corners.emplace_back(*wcs, nx, ny);
  for (auto const& region : regions) {
    std::uint8_t const value = region.excludes ? 0 : 1;
    if (region.is_sky)
      mark_sky(PlaneRegion(region), corners.front(), nx, ny, value, inside);
    else
      mark_pixels(region, nx, ny, value, inside);
  }
  std::int64_t count = 0;
  for (std::size_t k = 0; k < bad.size(); ++k) {
    count += inside[k];
    bad[k] |= inside[k];
  }
  return count;
}

}  // namespace tessera::steps
