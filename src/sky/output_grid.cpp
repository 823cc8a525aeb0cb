#include "tessera/sky/output_grid.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "tessera/core/error.hpp"
#include "tessera/sky/grid_wcs.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::sky {

namespace {

/// Unit vectors of all vertices; InputError when one is not on the sky.
std::vector<Vector3> all_vertices(std::span<SkyPolygon const> footprints) {
  std::vector<Vector3> vertices;
  for (auto const& polygon : footprints)
    for (auto const& point : polygon) {
      if (!std::isfinite(point.ra) || !(std::abs(point.dec) <= 90))
        throw InputError({.what = "a footprint is not on the sky",
                          .where = "S_REGION",
                          .expected = "finite vertices in degrees",
                          .found = fmt::format("({}, {})", point.ra, point.dec),
                          .remedy = "leave out the exposure or run assign_wcs on it again"});
      vertices.push_back(to_vector(point));
    }
  if (vertices.empty())
    throw InputError({.what = "no footprint to make an output grid of",
                      .where = "the exposures of the mosaic",
                      .expected = "at least one exposure with a WCS",
                      .found = "none",
                      .remedy = "check that the association has science members"});
  return vertices;
}

/// Middle of the range of each Cartesian component, back on the sky (spec 30, 4.2 item 2).
SkyPoint fiducial(std::vector<Vector3> const& vertices) {
  Vector3 low = vertices.front(), high = vertices.front();
  for (auto const& v : vertices) {
    low = {std::min(low.x, v.x), std::min(low.y, v.y), std::min(low.z, v.z)};
    high = {std::max(high.x, v.x), std::max(high.y, v.y), std::max(high.z, v.z)};
  }
  return to_sky(0.5 * (low + high));
}

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();
  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

/// Pixel coordinates rounded the way the reference does: int() truncates towards zero.
std::int64_t truncated(double value) { return static_cast<std::int64_t>(std::trunc(value)); }

}  // namespace

double native_scale(Wcs const& reference, SkyPoint at) {
  PixelPoint const p = reference.sky_to_pixel(at);
  auto const vector_at = [&](double x, double y) { return to_vector(reference.pixel_to_sky(PixelPoint{x, y})); };
  Vector3 const here = vector_at(p.x, p.y);
  double const product = separation(here, vector_at(p.x + 1, p.y)) * separation(here, vector_at(p.x, p.y + 1));
  if (!(product > 0) || !std::isfinite(product))
    throw InputError({.what = "the pixel scale of the reference exposure cannot be measured",
                      .where = "WCS of the first exposure (" + reference.description() + ")",
                      .expected = "a finite position on the sky around the reference pixel",
                      .found = fmt::format("pixel ({}, {}) for ra, dec ({}, {})", p.x, p.y, at.ra, at.dec),
                      .remedy = "check RA_REF and DEC_REF, or set pixel_scale"});
  return std::sqrt(product) * DegreesPerRadian;
}

model::SkyGrid make_output_grid(std::span<SkyPolygon const> footprints, ReferencePointing const& reference,
                                double native_scale_deg, double mean_area_sr, OutputGridOptions const& options) {
  auto const vertices = all_vertices(footprints);
  double const scale =
      options.pixel_scale ? *options.pixel_scale / 3600.0 : options.pixel_scale_ratio * native_scale_deg;

  model::SkyGrid grid;
  grid.crval = options.crval ? *options.crval : fiducial(vertices);
  grid.cdelt = {scale, scale};
  double const parity = reference.vparity;
  double const rotation_deg = options.rotation ? *options.rotation : reference.roll_ref - parity * reference.v3yangle;
  double const rho = rotation_deg * RadiansPerDegree;
  grid.pc = {{{parity * std::cos(rho), std::sin(rho)}, {-parity * std::sin(rho), std::cos(rho)}}};
  grid.pixel_scale_ratio =
      options.pixel_scale ? scale * RadiansPerDegree / std::sqrt(mean_area_sr) : options.pixel_scale_ratio;

  // Extent of the footprints with the fiducial at pixel (0, 0).
  auto const [row_x, row_y, row_w] = GridWcs(grid).projection();
  Range x, y;
  for (auto const& v : vertices) {
    double const w = dot(row_w, v);
    if (!(w > 0))
      throw InputError({.what = "the exposures do not fit on one tangent plane",
                        .where = "footprints of the exposures",
                        .expected = "all within 90 degrees of the centre of the grid",
                        .found = fmt::format("a vertex at ra, dec ({}, {})", to_sky(v).ra, to_sky(v).dec),
                        .remedy = "check that the association is of one field, and crval"});
    x.include(dot(row_x, v) / w);
    y.include(dot(row_y, v) / w);
  }
  grid.crpix = options.crpix ? *options.crpix : PixelPoint{-x.low, -y.low};

  double const low[2] = {x.low + grid.crpix.x, y.low + grid.crpix.y};
  double const high[2] = {x.high + grid.crpix.x, y.high + grid.crpix.y};
  std::int64_t shape[2];
  for (int axis = 0; axis < 2; ++axis) {
    std::int64_t const reach = truncated(high[axis] + 0.5);
    std::int64_t first = 0, count = reach;
    if (options.output_shape) {
      shape[axis] = (*options.output_shape)[static_cast<std::size_t>(axis)];
      first = std::max<std::int64_t>(0, truncated(low[axis] + 0.5));
      count = std::min(reach, shape[axis]);
    } else {
      shape[axis] = reach;
    }
    grid.bounding_box[static_cast<std::size_t>(axis)] = {static_cast<double>(first) - 0.5,
                                                         static_cast<double>(count) - 0.5};
  }
  grid.nx = shape[0];
  grid.ny = shape[1];
  if (grid.nx < 2 || grid.ny < 2)
    throw InputError({.what = "the output grid is too small",
                      .where = "the mosaic (output_shape, crpix, pixel_scale)",
                      .expected = "at least 2 x 2 pixels",
                      .found = fmt::format("{} x {} pixels of {} arcsec", grid.nx, grid.ny, scale * 3600),
                      .remedy = "give a smaller pixel_scale, or another crpix or output_shape"});
  return grid;
}

}  // namespace tessera::sky
