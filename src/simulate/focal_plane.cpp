#include "tessera/simulate/focal_plane.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "tessera/core/contract.hpp"
#include "tessera/sky/transforms.hpp"

namespace tessera::simulate {
namespace {

using sky::TransformPointer;

constexpr double Degree = std::numbers::pi / 180;

/// SIAF order (00, 10, 11, 20, ...; ij is x^(i-j) y^j) to the square matrix of the polynomial node.
std::shared_ptr<sky::Polynomial2D> make_polynomial(std::vector<double> const& siaf, int degree) {
  std::size_t const side = static_cast<std::size_t>(degree) + 1;
  TESSERA_EXPECT(siaf.size() == side * (side + 1) / 2);
  std::vector<double> square(side * side, 0.0);
  std::size_t next = 0;
  for (std::size_t i = 0; i < side; ++i)
    for (std::size_t j = 0; j <= i; ++j) square[(i - j) * side + j] = siaf[next++];
  return std::make_shared<sky::Polynomial2D>(degree, std::move(square));
}

/// Both inputs to both polynomials.
TransformPointer feed_both(TransformPointer first, TransformPointer second) {
  return sky::chain(std::make_shared<sky::RemapAxes>(std::vector<int>{0, 1, 0, 1}),
                    sky::join(std::move(first), std::move(second)));
}

TransformPointer make_pair_with_inverse(TransformPointer const& forward, TransformPointer const& inverse) {
  auto node = forward->copy();
  node->common.explicit_inverse = inverse;
  return node;
}

/// a x + b y.
TransformPointer make_linear(double a, double b) {
  return std::make_shared<sky::Polynomial2D>(1, std::vector<double>{0, b, a, 0});
}

TransformPointer make_shifts(double x, double y) {
  return sky::join(std::make_shared<sky::Shift>(x), std::make_shared<sky::Shift>(y));
}

/// Determinant of the Sci to Idl polynomials at the reference pixel, arcsec^2.
double area_at_reference(SiafAperture const& aperture) {
  return std::abs(aperture.sci_to_idl_x[1] * aperture.sci_to_idl_y[2] -
                  aperture.sci_to_idl_x[2] * aperture.sci_to_idl_y[1]);
}

}  // namespace

V2V3 instrument_centre(std::vector<std::string> const& detectors) {
  V2V3 centre;
  for (std::string const& name : detectors) {
    SiafAperture const& aperture = find_aperture(name);
    centre.v2 += aperture.v2_ref / static_cast<double>(detectors.size());
    centre.v3 += aperture.v3_ref / static_cast<double>(detectors.size());
  }
  return centre;
}

Detector make_detector(std::string const& name, V2V3 const& centre, config::DetectorSettings const& settings) {
  Detector detector;
  detector.aperture = &find_aperture(name);
  SiafAperture const& aperture = *detector.aperture;
  int const wish = detector.is_miri() ? settings.miri_size : settings.nircam_size;
  detector.nx = std::min(wish, aperture.nx);
  detector.ny = std::min(wish, aperture.ny);
  detector.reduced = detector.nx < aperture.nx || detector.ny < aperture.ny;
  if (detector.reduced) {
    // In the middle; for MIRI in the middle of the imager's part where it fits there.
    constexpr int ImagerColumns = MiriImagerEnd - MiriImagerBegin;
    bool const in_imager = detector.is_miri() && detector.nx <= ImagerColumns;
    detector.substrt1 =
        (in_imager ? MiriImagerBegin + (ImagerColumns - detector.nx) / 2 : (aperture.nx - detector.nx) / 2) + 1;
    detector.substrt2 = (aperture.ny - detector.ny) / 2 + 1;
  }
  double const shrink = settings.compact ? static_cast<double>(detector.nx) / aperture.nx : 1.0;
  detector.v2_ref = centre.v2 + shrink * (aperture.v2_ref - centre.v2);
  detector.v3_ref = centre.v3 + shrink * (aperture.v3_ref - centre.v3);
  double const arcsec = Degree / 3600;
  detector.pixel_area = area_at_reference(aperture) * arcsec * arcsec;
  return detector;
}

TransformPointer make_distortion(Detector const& detector) {
  SiafAperture const& aperture = *detector.aperture;
  int const degree = aperture.degree;
  TransformPointer const to_ideal = make_pair_with_inverse(
      feed_both(make_polynomial(aperture.sci_to_idl_x, degree), make_polynomial(aperture.sci_to_idl_y, degree)),
      feed_both(make_polynomial(aperture.idl_to_sci_x, degree), make_polynomial(aperture.idl_to_sci_y, degree)));
  // Spec 20, 3.8: V2 = V2_REF + p X cos a + Y sin a, V3 = V3_REF - p X sin a + Y cos a.
  double const c = std::cos(aperture.v3_idl_y_angle * Degree), s = std::sin(aperture.v3_idl_y_angle * Degree);
  double const p = aperture.vidl_parity;
  TransformPointer const to_axes = make_pair_with_inverse(feed_both(make_linear(p * c, s), make_linear(-p * s, c)),
                                                          feed_both(make_linear(p * c, -p * s), make_linear(s, c)));
  auto tree = sky::chain(make_shifts(1, 1), make_shifts(-aperture.x_ref, -aperture.y_ref));
  tree = sky::chain(tree, to_ideal);
  tree = sky::chain(tree, to_axes);
  tree = sky::chain(tree, make_shifts(detector.v2_ref, detector.v3_ref));
  if (detector.is_miri() && !detector.reduced) {
    auto const names = sky::input_names(*tree);
    tree->common.bounding_box = {{names[0], 3.5, 1027.5}, {names[1], -0.5, 1023.5}};  // spec 20, 3.6
  }
  return tree;
}

sky::DetectorGeometry make_geometry(Detector const& detector) {
  sky::DetectorGeometry geometry;
  geometry.substrt1 = detector.substrt1;
  geometry.substrt2 = detector.substrt2;
  geometry.subsize1 = detector.nx;
  geometry.subsize2 = detector.ny;
  geometry.filter_offset = detector.filter_offset;
  geometry.distortion = make_distortion(detector);
  return geometry;
}

V2V3 field_of_view(std::vector<Detector> const& detectors) {
  double low2 = std::numeric_limits<double>::infinity(), high2 = -low2, low3 = low2, high3 = -low2;
  for (Detector const& detector : detectors) {
    bool const full_miri = detector.is_miri() && !detector.reduced;
    double const x0 = (full_miri ? MiriImagerBegin : static_cast<double>(detector.substrt1) - 1) - 0.5;
    double const x1 = full_miri ? MiriImagerEnd - 0.5 : x0 + detector.nx;
    double const y0 = static_cast<double>(detector.substrt2) - 1.5, y1 = y0 + detector.ny;
    double const xm = 0.5 * (x0 + x1), ym = 0.5 * (y0 + y1);
    // MIRI stands askew by five degrees: the corners would reach farther than neighbours may be apart.
    std::vector<double> const x = detector.is_miri() ? std::vector{x0, x1, xm, xm} : std::vector{x0, x0, x1, x1},
                              y = detector.is_miri() ? std::vector{ym, ym, y0, y1} : std::vector{y0, y1, y0, y1};
    std::vector<double> v2(4), v3(4);
    double const* in[]{x.data(), y.data()};
    double* out[]{v2.data(), v3.data()};
    make_distortion(detector)->evaluate(4, in, out);
    for (std::size_t k = 0; k < 4; ++k) {
      low2 = std::min(low2, v2[k]);
      high2 = std::max(high2, v2[k]);
      low3 = std::min(low3, v3[k]);
      high3 = std::max(high3, v3[k]);
    }
  }
  return {high2 - low2, high3 - low3};
}

}  // namespace tessera::simulate
