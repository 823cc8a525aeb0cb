#include "tessera/exchange/alignment.hpp"

#include <array>
#include <numbers>

#include "tessera/sky/unit_vector.hpp"

namespace tessera::exchange {

namespace {

constexpr double ArcsecPerRadian = 180 * 3600 / std::numbers::pi;

/// x_own = matrix x_fit + shift near the origin, radians.
struct PlaneToPlane {
  kernels::Matrix2 matrix;
  std::array<double, 2> shift;
};

/// The derivative of the change of tangent plane at the origin. In closed form: differences over a pixel, by which it
/// is defined (spec 30, 1.10), lose digits and differ from it by the square of a pixel.
PlaneToPlane linearise(sky::CorrectionPlane const& from, sky::CorrectionPlane const& to) {
  auto const source = sky::tangent_axes(from.tangent), target = sky::tangent_axes(to.tangent);
  std::array<sky::Vector3, 3> const columns{source.centre, source.east, source.north};
  std::array<sky::Vector3, 3> const rows{target.centre, target.east, target.north};
  auto const rotation = [&](std::size_t row, std::size_t column) { return sky::dot(rows[row], columns[column]); };
  double const towards = rotation(0, 0);
  PlaneToPlane linear;
  for (std::size_t row = 0; row < 2; ++row) {
    linear.shift[row] = rotation(row + 1, 0) / towards;
    for (std::size_t column = 0; column < 2; ++column)
      linear.matrix[row][column] =
          (rotation(row + 1, column + 1) - linear.shift[row] * rotation(0, column + 1)) / towards;
  }
  return linear;
}

kernels::Matrix2 multiply(kernels::Matrix2 const& a, kernels::Matrix2 const& b) {
  kernels::Matrix2 product{};
  for (std::size_t row = 0; row < 2; ++row)
    for (std::size_t column = 0; column < 2; ++column)
      product[row][column] = a[row][0] * b[0][column] + a[row][1] * b[1][column];
  return product;
}

kernels::Matrix2 inverse(kernels::Matrix2 const& m) {
  double const determinant = m[0][0] * m[1][1] - m[0][1] * m[1][0];
  return {{{m[1][1] / determinant, -m[0][1] / determinant}, {-m[1][0] / determinant, m[0][0] / determinant}}};
}

}  // namespace

char const* status_text(AlignStatus status) {
  switch (status) {
    case AlignStatus::NotAligned:
      return "NOT ALIGNED";
    case AlignStatus::Reference:
      return "REFERENCE";
    case AlignStatus::Success:
      return "SUCCESS";
    case AlignStatus::NoSources:
      return "FAILED: empty source catalog";
    case AlignStatus::TooFewMatches:
      return "FAILED: not enough matches";
    case AlignStatus::Confused:
      return "FAILED: source confusion";
    case AlignStatus::Insignificant:
      return "FAILED: no more matches than by chance";
    case AlignStatus::Ambiguous:
      return "FAILED: several shifts fit about as well";
    case AlignStatus::TooLarge:
      return "FAILED: correction larger than searched for";
    case AlignStatus::NoOverlap:
      return "FAILED: no overlap";
    case AlignStatus::NotConnected:
      return "FAILED: not connected with the others";
    case AlignStatus::Singular:
      return "FAILED: matches do not determine the fit";
  }
  return "";
}

std::vector<AlignImage> without_stars(std::span<AlignImage const> images) {
  std::vector<AlignImage> bare;
  for (auto const& image : images)
    bare.push_back(
        {image.name, image.group, image.visit, image.detector, image.plane, image.corners, image.pixel_scale, {}});
  return bare;
}

model::WcsCorrection carry_to_image(kernels::Matrix2 const& matrix, std::array<double, 2> const& shift_arcsec,
                                    sky::CorrectionPlane const& fitted_in, AlignImage const& image) {
  model::WcsCorrection correction;
  correction.v2_ref = image.plane.v2_ref;
  correction.v3_ref = image.plane.v3_ref;
  correction.roll_ref = image.plane.roll_ref;
  std::array<double, 2> const shift{shift_arcsec[0] / ArcsecPerRadian, shift_arcsec[1] / ArcsecPerRadian};
  auto const &a = fitted_in.tangent, &b = image.plane.tangent;
  if (a.ra == b.ra && a.dec == b.dec) {
    correction.matrix = matrix;
    correction.shift = shift;
    return correction;
  }
  auto const [r, t] = linearise(fitted_in, image.plane);
  auto const& f = correction.matrix = multiply(multiply(r, matrix), inverse(r));
  for (std::size_t row = 0; row < 2; ++row)
    correction.shift[row] = r[row][0] * shift[0] + r[row][1] * shift[1] - f[row][0] * t[0] - f[row][1] * t[1] + t[row];
  return correction;
}

}  // namespace tessera::exchange
