#include "tessera/sky/grid_wcs.hpp"

#include <fmt/format.h>

#include <limits>

#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"

namespace tessera::sky {

GridWcs::GridWcs(model::SkyGrid const& grid) : grid_(grid), axes_(tangent_axes(grid.crval)) {
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 2; ++j) radians_per_pixel_[i][j] = grid.cdelt[i] * grid.pc[i][j] * RadiansPerDegree;
  auto const& cd = radians_per_pixel_;
  double const determinant = cd[0][0] * cd[1][1] - cd[0][1] * cd[1][0];
  if (!std::isfinite(determinant) || determinant == 0)
    throw InputError(
        {.what = "the scale matrix of the output grid is singular",
         .where = "CDELT and PC of the output grid",
         .expected = "two independent, finite axes",
         .found = fmt::format("[[{}, {}], [{}, {}]] radians a pixel", cd[0][0], cd[0][1], cd[1][0], cd[1][1]),
         .remedy = "give another pixel scale or output WCS"});
  if (!std::isfinite(grid.crval.ra) || !(std::abs(grid.crval.dec) <= 90))
    throw InputError({.what = "the reference position of the output grid is off the sky",
                      .where = "CRVAL of the output grid",
                      .expected = "a finite right ascension and a declination in [-90, 90] degrees",
                      .found = fmt::format("({}, {})", grid.crval.ra, grid.crval.dec),
                      .remedy = "give another crval or output WCS"});
  Vector3 const along_x = (1 / determinant) * (cd[1][1] * axes_.east - cd[0][1] * axes_.north);
  Vector3 const along_y = (1 / determinant) * (cd[0][0] * axes_.north - cd[1][0] * axes_.east);
  projection_ = {along_x + grid.crpix.x * axes_.centre, along_y + grid.crpix.y * axes_.centre, axes_.centre};
}

void GridWcs::pixel_to_sky(std::span<double const> x, std::span<double const> y, std::span<double> ra,
                           std::span<double> dec) const {
  TESSERA_EXPECT(y.size() == x.size() && ra.size() == x.size() && dec.size() == x.size());
  auto const& cd = radians_per_pixel_;
  for (std::size_t k = 0; k < x.size(); ++k) {
    double const u = x[k] - grid_.crpix.x, v = y[k] - grid_.crpix.y;
    double const xi = cd[0][0] * u + cd[0][1] * v, eta = cd[1][0] * u + cd[1][1] * v;
    auto const sky = to_sky(axes_.centre + xi * axes_.east + eta * axes_.north);
    ra[k] = sky.ra;
    dec[k] = sky.dec;
  }
}

void GridWcs::sky_to_pixel(std::span<double const> ra, std::span<double const> dec, std::span<double> x,
                           std::span<double> y) const {
  TESSERA_EXPECT(dec.size() == ra.size() && x.size() == ra.size() && y.size() == ra.size());
  constexpr double NaN = std::numeric_limits<double>::quiet_NaN();
  auto const [row_x, row_y, row_w] = projection_;
  for (std::size_t k = 0; k < ra.size(); ++k) {
    Vector3 const n = to_vector(ra[k], dec[k]);
    double const w = dot(row_w, n);
    x[k] = w > 0 ? dot(row_x, n) / w : NaN;
    y[k] = w > 0 ? dot(row_y, n) / w : NaN;
  }
}

std::optional<BoundingBox> GridWcs::bounding_box() const {
  auto const& box = grid_.bounding_box;
  if (box == decltype(grid_.bounding_box){}) return std::nullopt;
  return BoundingBox{box[0][0], box[0][1], box[1][0], box[1][1]};
}

std::string GridWcs::description() const { return "output grid TAN"; }

WcsPointer make_grid_wcs(model::SkyGrid const& grid) { return std::make_shared<GridWcs const>(grid); }

}  // namespace tessera::sky
