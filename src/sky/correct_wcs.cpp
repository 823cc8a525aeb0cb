#include "tessera/sky/correct_wcs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "corrected_wcs.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"
#include "tessera/sky/transforms.hpp"

namespace tessera::sky {

namespace {

constexpr double ArcsecPerDegree = 3600;
constexpr char const* CorrectedFrame = "v2v3corr";

/// The nodes of nested compositions, in the order they are applied.
void flatten(TransformPointer const& node, std::vector<TransformPointer>& parts) {
  if (auto const* compose = dynamic_cast<Compose const*>(node.get())) {
    flatten(compose->first(), parts);
    flatten(compose->second(), parts);
  } else {
    parts.push_back(node);
  }
}

std::vector<TransformPointer> flattened(TransformPointer const& node) {
  std::vector<TransformPointer> parts;
  flatten(node, parts);
  return parts;
}

/// The rotation from V2V3 to the sky, [v2, -v3, roll, dec, -ra] about "zyxyz", in the last step; null if there is none.
RotateSequence3D const* find_sky_rotation(Gwcs const& wcs) {
  if (!wcs.has_frame("v2v3")) return nullptr;
  auto const& last = wcs.steps()[wcs.steps().size() - 2].transform;
  for (auto const& part : flattened(last))
    if (auto const* rotation = dynamic_cast<RotateSequence3D const*>(part.get()))
      if (rotation->axes() == "zyxyz") return rotation;
  return nullptr;
}

model::WcsCorrection compose_corrections(model::WcsCorrection const& first, model::WcsCorrection const& second) {
  model::WcsCorrection both = first;
  for (std::size_t row = 0; row < 2; ++row) {
    for (std::size_t column = 0; column < 2; ++column)
      both.matrix[row][column] =
          second.matrix[row][0] * first.matrix[0][column] + second.matrix[row][1] * first.matrix[1][column];
    both.shift[row] =
        second.matrix[row][0] * first.shift[0] + second.matrix[row][1] * first.shift[1] + second.shift[row];
  }
  return both;
}

bool is_same_plane(model::WcsCorrection const& a, model::WcsCorrection const& b) {
  constexpr double Tolerance = 1e-9;  // arcsec and degrees: the angles went through a division by 3600 and back
  return std::abs(a.v2_ref - b.v2_ref) < Tolerance && std::abs(a.v3_ref - b.v3_ref) < Tolerance &&
         std::abs(a.roll_ref - b.roll_ref) < Tolerance;
}

WcsPointer correct_gwcs(Gwcs const& wcs, model::WcsCorrection const& correction) {
  std::vector<GwcsStep> steps = wcs.steps();
  if (wcs.has_frame(CorrectedFrame)) {
    GwcsStep& before = steps[wcs.frame_index(CorrectedFrame) - 1];
    auto const stored = stored_correction(wcs);
    before.transform = stored && is_same_plane(*stored, correction)
                           ? make_correction_transform(compose_corrections(*stored, correction))
                           : chain(before.transform, make_correction_transform(correction));
    return std::make_shared<Gwcs const>(wcs.name(), std::move(steps));
  }
  std::size_t const at = wcs.frame_index(wcs.has_frame("v2v3vacorr") ? "v2v3vacorr" : "v2v3");
  GwcsStep corrected = steps[at];
  corrected.frame.name = CorrectedFrame;
  corrected.frame.axes_names = {"v2", "v3"};
  steps[at].transform = make_correction_transform(correction);
  steps.insert(steps.begin() + static_cast<std::ptrdiff_t>(at) + 1, std::move(corrected));
  return std::make_shared<Gwcs const>(wcs.name(), std::move(steps));
}

void require_invertible(model::WcsCorrection const& correction) {
  auto const& m = correction.matrix;
  double const determinant = m[0][0] * m[1][1] - m[0][1] * m[1][0];
  if (determinant == 0 || !std::isfinite(determinant + correction.shift[0] + correction.shift[1]))
    throw InputError({"WCS correction cannot be applied",
                      {},
                      "a finite, invertible matrix and a finite shift",
                      fmt::format("[[{}, {}], [{}, {}]] and ({}, {})", m[0][0], m[0][1], m[1][0], m[1][1],
                                  correction.shift[0], correction.shift[1]),
                      {}});
}

}  // namespace

void CorrectionPlane::sky_to_plane(std::span<double const> ra, std::span<double const> dec, std::span<double> x,
                                   std::span<double> y) const {
  TESSERA_EXPECT(ra.size() == dec.size() && ra.size() == x.size() && ra.size() == y.size());
  constexpr double NotANumber = std::numeric_limits<double>::quiet_NaN();
  double const sin_dec0 = std::sin(tangent.dec * RadiansPerDegree), cos_dec0 = std::cos(tangent.dec * RadiansPerDegree);
  for (std::size_t k = 0; k < ra.size(); ++k) {
    double const a = (ra[k] - tangent.ra) * RadiansPerDegree, d = dec[k] * RadiansPerDegree;
    double const sin_dec = std::sin(d), cos_dec = std::cos(d), cos_ra = std::cos(a);
    double const towards = sin_dec0 * sin_dec + cos_dec0 * cos_dec * cos_ra;
    bool const is_visible = towards > 0;
    x[k] = is_visible ? cos_dec * std::sin(a) / towards : NotANumber;
    y[k] = is_visible ? (cos_dec0 * sin_dec - sin_dec0 * cos_dec * cos_ra) / towards : NotANumber;
  }
}

void CorrectionPlane::plane_to_sky(std::span<double const> x, std::span<double const> y, std::span<double> ra,
                                   std::span<double> dec) const {
  TESSERA_EXPECT(x.size() == y.size() && x.size() == ra.size() && x.size() == dec.size());
  double const sin_dec0 = std::sin(tangent.dec * RadiansPerDegree), cos_dec0 = std::cos(tangent.dec * RadiansPerDegree);
  for (std::size_t k = 0; k < x.size(); ++k) {
    double const xi = x[k], eta = y[k];
    double const equator = cos_dec0 - eta * sin_dec0;  // component along the meridian of the tangent point
    double longitude = tangent.ra + std::atan2(xi, equator) * DegreesPerRadian;
    longitude = longitude < 0 ? longitude + 360 : longitude;
    ra[k] = longitude >= 360 ? longitude - 360 : longitude;
    dec[k] = std::atan2(sin_dec0 + eta * cos_dec0, std::hypot(xi, equator)) * DegreesPerRadian;
  }
}

CorrectionPlane correction_plane(Wcs const& wcs, PixelPoint reference_pixel) {
  if (auto const* gwcs = dynamic_cast<Gwcs const*>(&wcs)) {
    if (auto const* rotation = find_sky_rotation(*gwcs)) {
      auto const& angles = rotation->angles();
      double const ra = std::fmod(-angles[4], 360.0);
      return {
          {ra < 0 ? ra + 360 : ra, angles[3]}, angles[0] * ArcsecPerDegree, -angles[1] * ArcsecPerDegree, angles[2]};
    }
  }
  if (auto const* corrected = dynamic_cast<CorrectedWcs const*>(&wcs)) return corrected->plane();
  SkyPoint const tangent = wcs.pixel_to_sky(reference_pixel);
  return {tangent, tangent.ra * ArcsecPerDegree, tangent.dec * ArcsecPerDegree, 0};
}

WcsPointer correct_wcs(WcsPointer const& wcs, model::WcsCorrection const& correction) {
  TESSERA_EXPECT(wcs != nullptr);
  require_invertible(correction);
  if (auto const* gwcs = dynamic_cast<Gwcs const*>(wcs.get()); gwcs && find_sky_rotation(*gwcs))
    return correct_gwcs(*gwcs, correction);
  if (auto const* corrected = dynamic_cast<CorrectedWcs const*>(wcs.get());
      corrected && is_same_plane(corrected->correction(), correction))
    return std::make_shared<CorrectedWcs const>(corrected->original(),
                                                compose_corrections(corrected->correction(), correction));
  return std::make_shared<CorrectedWcs const>(wcs, correction);
}

TransformPointer make_correction_transform(model::WcsCorrection const& correction) {
  // Node structure and names are those that the official alignment step looks for when it reads the file again.
  auto one_degree = make_named<Scale>("arcsec_to_deg_1D", 1.0 / ArcsecPerDegree);
  auto to_degrees = make_named<Concatenate>("arcsec_to_deg_2D", one_degree, one_degree);
  auto one_arcsec = make_named<Scale>("deg_to_arcsec_1D", ArcsecPerDegree);
  auto to_arcsec = make_named<Concatenate>("deg_to_arcsec_2D", one_arcsec, one_arcsec);
  using Spherical = SphericalCartesian::Kind;
  auto to_vector = make_named<SphericalCartesian>("s2c", Spherical::SphericalToCartesian, 180);
  auto to_angles = make_named<SphericalCartesian>("c2s", Spherical::CartesianToSpherical, 180);
  double const v2 = correction.v2_ref / ArcsecPerDegree, v3 = correction.v3_ref / ArcsecPerDegree;
  auto to_axis = make_named<RotateSequence3D>("det_to_optic_axis", std::vector<double>{v2, -v3, correction.roll_ref},
                                              "zyx", RotateSequence3D::Kind::Cartesian);
  auto from_axis = make_named<RotateSequence3D>("optic_axis_to_det", std::vector<double>{-correction.roll_ref, v3, -v2},
                                                "xyz", RotateSequence3D::Kind::Cartesian);
  auto divide = std::make_shared<Arithmetic>(Arithmetic::Operation::Divide,
                                             make_named<RemapAxes>("xyz", std::vector<int>{0, 1, 2}, 3),
                                             make_named<RemapAxes>("xxx", std::vector<int>{0, 0, 0}, 3));
  auto to_plane =
      make_named<Compose>("Cartesian 3D to TAN", divide, make_named<RemapAxes>("xtyt", std::vector<int>{1, 2}, 3));
  auto from_plane =
      make_named<Compose>("TAN to cartesian 3D", make_named<RemapAxes>("xtyt2xyz", std::vector<int>{0, 0, 1}, 2),
                          join(make_named<Constant>("one", 1.0), make_named<Identity>("I(2D)", 2)));
  auto affine = make_named<Affine>("tp_affine", correction.matrix, correction.shift);
  auto const inverse = affine->derived_inverse();
  TESSERA_EXPECT(inverse != nullptr);
  auto inverse_affine = inverse->copy();
  inverse_affine->common.name = "tp_affine_inv";

  auto const around = [&](TransformPointer const& linear) {
    return chain(
        chain(chain(chain(chain(chain(chain(chain(to_degrees, to_vector), to_axis), to_plane), linear), from_plane),
                    from_axis),
              to_angles),
        to_arcsec);
  };
  auto forward = around(affine);
  auto backward = around(inverse_affine);
  forward->common.name = "JWST tangent-plane linear correction. v1";
  backward->common.name = "Inverse JWST tangent-plane linear correction. v1";
  forward->common.explicit_inverse = backward;
  return forward;
}

std::optional<model::WcsCorrection> stored_correction(Gwcs const& wcs) {
  if (!wcs.has_frame(CorrectedFrame)) return std::nullopt;
  std::size_t const at = wcs.frame_index(CorrectedFrame);
  if (at == 0) return std::nullopt;
  auto const parts = flattened(wcs.steps()[at - 1].transform);
  RotateSequence3D const* rotation = nullptr;
  Affine const* affine = nullptr;
  for (auto const& part : parts) {
    if (auto const* found = dynamic_cast<RotateSequence3D const*>(part.get()); found && found->axes() == "zyx") {
      if (rotation) return std::nullopt;  // several corrections one after the other
      rotation = found;
    }
    if (auto const* found = dynamic_cast<Affine const*>(part.get())) affine = found;
  }
  if (!rotation || !affine) return std::nullopt;
  auto const& angles = rotation->angles();
  return model::WcsCorrection{affine->matrix(), affine->translation(), angles[0] * ArcsecPerDegree,
                              -angles[1] * ArcsecPerDegree, angles[2]};
}

}  // namespace tessera::sky
