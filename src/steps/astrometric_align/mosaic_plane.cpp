#include "mosaic_plane.hpp"

#include <cmath>

#include "tessera/core/error.hpp"
#include "tessera/sky/footprint.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::steps {

namespace {

constexpr double ArcsecPerRadian = 3600 * sky::DegreesPerRadian;

kernels::Matrix2 inverse(kernels::Matrix2 const& m, double determinant) {
  return {{{m[1][1] / determinant, -m[0][1] / determinant}, {-m[1][0] / determinant, m[0][0] / determinant}}};
}

std::array<double, 2> to_plane_point(sky::CorrectionPlane const& plane, model::SkyPoint const& sky) {
  std::array<double, 2> p{};
  plane.sky_to_plane({&sky.ra, 1}, {&sky.dec, 1}, {&p[0], 1}, {&p[1], 1});
  return p;
}

}  // namespace

kernels::Matrix2 multiply(kernels::Matrix2 const& a, kernels::Matrix2 const& b) {
  kernels::Matrix2 product{};
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t j = 0; j < 2; ++j) product[i][j] = a[i][0] * b[0][j] + a[i][1] * b[1][j];
  return product;
}

std::array<double, 2> multiply(kernels::Matrix2 const& a, std::array<double, 2> const& p) {
  return {a[0][0] * p[0] + a[0][1] * p[1], a[1][0] * p[0] + a[1][1] * p[1]};
}

MosaicPlane::MosaicPlane(MosaicImage const& image) : wcs_(image.wcs()), nx_(image.nx()), ny_(image.ny()) {
  auto const nx = static_cast<double>(nx_), ny = static_cast<double>(ny_);
  model::PixelPoint const reference{image.header().real("CRPIX1").value_or(nx / 2 + 0.5) - 1,
                                    image.header().real("CRPIX2").value_or(ny / 2 + 0.5) - 1};
  plane_ = sky::correction_plane(*wcs_, reference);
  // A long base keeps the digits; a TAN mosaic is straight over any.
  constexpr double Base = 50;
  auto const at = [&](double dx, double dy) {
    return to_plane_point(plane_, wcs_->pixel_to_sky({reference.x + dx, reference.y + dy}));
  };
  auto const right = at(Base, 0), left = at(-Base, 0), up = at(0, Base), down = at(0, -Base);
  for (std::size_t k = 0; k < 2; ++k) {
    to_plane_[k][0] = (right[k] - left[k]) / (2 * Base);
    to_plane_[k][1] = (up[k] - down[k]) / (2 * Base);
  }
  double const determinant = to_plane_[0][0] * to_plane_[1][1] - to_plane_[0][1] * to_plane_[1][0];
  if (!(std::abs(determinant) > 0) || !std::isfinite(determinant))
    throw InputError({"the WCS of the mosaic has no scale at its reference pixel", image.path().string(), "", "",
                      "correct CRPIX and the CD matrix of this file"});
  to_pixels_ = inverse(to_plane_, determinant);
  pixel_scale_ = std::sqrt(std::abs(determinant)) * ArcsecPerRadian;
  field_ = {-0.5 - reference.x, nx - 0.5 - reference.x, -0.5 - reference.y, ny - 0.5 - reference.y};
}

model::SkyPolygon MosaicPlane::corners() const { return sky::footprint(*wcs_, nx_, ny_); }

PlanePosition MosaicPlane::from_sky(model::SkyPoint const& sky) const {
  auto const p = multiply(to_pixels_, to_plane_point(plane_, sky));
  return {p[0], p[1]};
}

PlanePosition MosaicPlane::from_pixel(double x, double y) const { return from_sky(wcs_->pixel_to_sky({x, y})); }

PlaneMove MosaicPlane::to_plane(kernels::Matrix2 const& matrix, std::array<double, 2> const& shift) const {
  return {multiply(multiply(to_plane_, matrix), to_pixels_), multiply(to_plane_, shift)};
}

PlaneMove MosaicPlane::to_pixels(PlaneMove const& correction) const {
  return {multiply(multiply(to_pixels_, correction.matrix), to_plane_), multiply(to_pixels_, correction.shift)};
}

model::SkyPoint MosaicPlane::move(PlaneMove const& correction, model::SkyPoint const& sky) const {
  auto p = multiply(correction.matrix, to_plane_point(plane_, sky));
  for (std::size_t k = 0; k < 2; ++k) p[k] += correction.shift[k];
  model::SkyPoint moved;
  plane_.plane_to_sky({&p[0], 1}, {&p[1], 1}, {&moved.ra, 1}, {&moved.dec, 1});
  return moved;
}

sky::WcsPointer MosaicPlane::corrected(PlaneMove const& correction) const {
  return sky::correct_wcs(
      wcs_, model::WcsCorrection{correction.matrix, correction.shift, plane_.v2_ref, plane_.v3_ref, plane_.roll_ref});
}

}  // namespace tessera::steps
