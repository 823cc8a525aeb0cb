#include "tessera/sky/pointing.hpp"

#include <cmath>

#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"
#include "tessera/sky/transforms.hpp"

namespace tessera::sky {

namespace {

constexpr double ArcsecPerDegree = 3600;

Matrix3 v2v3_to_sky_matrix(Pointing const& p) {
  return rotation_sequence("zyxyz",
                           {p.v2_ref / ArcsecPerDegree, -p.v3_ref / ArcsecPerDegree, p.roll_ref, p.dec_ref, -p.ra_ref});
}

/// Shift of one axis, or nothing: the reference writes an identity where the origin of an axis is 1.
TransformPointer make_origin_shift(long origin) {
  if (origin == 1) return std::make_shared<Identity>(1);
  return std::make_shared<Shift>(static_cast<double>(origin - 1));
}

GwcsFrame plane_frame(std::string name, std::vector<std::string> axes, std::string const& unit) {
  return {std::move(name), GwcsFrame::Kind::Plain2D, std::move(axes), {unit, unit}};
}

}  // namespace

TransformPointer make_velocity_aberration(Pointing const& pointing) {
  if (!pointing.va_scale || *pointing.va_scale == 1) return std::make_shared<Identity>(2);
  double const scale = *pointing.va_scale;
  if (!(scale > 0) || !std::isfinite(scale))
    throw InputError({"velocity aberration scale cannot be used", "VA_SCALE", "a number above 0", std::to_string(scale),
                      "correct the keyword or remove it (then no correction is made)"});
  auto scales = join(make_named<Scale>("dva_scale_v2", scale), make_named<Scale>("dva_scale_v3", scale));
  if (pointing.v2_ref == 0 && pointing.v3_ref == 0) {
    scales->common.name = "DVA_Correction";
    return scales;
  }
  auto shifts = join(make_named<Shift>("dva_v2_shift", (1 - scale) * pointing.v2_ref),
                     make_named<Shift>("dva_v3_shift", (1 - scale) * pointing.v3_ref));
  auto correction = chain(std::move(scales), std::move(shifts));
  correction->common.name = "DVA_Correction";
  return correction;
}

TransformPointer make_v2v3_to_sky(Pointing const& pointing) {
  double const degree = 1.0 / ArcsecPerDegree;
  auto to_degrees = join(std::make_shared<Scale>(degree), std::make_shared<Scale>(degree));
  auto to_vector = std::make_shared<SphericalCartesian>(SphericalCartesian::Kind::SphericalToCartesian, 180);
  auto rotation = std::make_shared<RotateSequence3D>(
      std::vector<double>{pointing.v2_ref / ArcsecPerDegree, -pointing.v3_ref / ArcsecPerDegree, pointing.roll_ref,
                          pointing.dec_ref, -pointing.ra_ref},
      "zyxyz", RotateSequence3D::Kind::Cartesian);
  auto to_angles = std::make_shared<SphericalCartesian>(SphericalCartesian::Kind::CartesianToSpherical, 360);
  auto to_sky =
      chain(chain(chain(std::move(to_degrees), std::move(to_vector)), std::move(rotation)), std::move(to_angles));
  to_sky->common.name = "v23tosky";
  return to_sky;
}

double roll_at(Pointing const& pointing, double new_v2, double new_v3) {
  Matrix3 const m = v2v3_to_sky_matrix(pointing);
  double const v2 = new_v2 / ArcsecPerDegree * RadiansPerDegree, v3 = new_v3 / ArcsecPerDegree * RadiansPerDegree;
  double const x = -(m[2][0] * std::cos(v2) + m[2][1] * std::sin(v2)) * std::sin(v3) + m[2][2] * std::cos(v3);
  double const y =
      (m[0][0] * m[1][2] - m[1][0] * m[0][2]) * std::cos(v2) + (m[0][1] * m[1][2] - m[1][1] * m[0][2]) * std::sin(v2);
  double const roll = std::atan2(y, x) * DegreesPerRadian;
  return roll < 0 ? roll + 360 : roll;
}

std::shared_ptr<Gwcs const> make_imaging_wcs(DetectorGeometry const& detector, Pointing const& pointing) {
  TESSERA_EXPECT(detector.distortion && detector.distortion->input_count() == 2);
  auto distortion = detector.distortion->copy();
  distortion->common.bounding_box.clear();
  TransformPointer to_v2v3 = distortion;
  if (detector.filter_offset)
    to_v2v3 = chain(
        join(std::make_shared<Shift>(detector.filter_offset->x), std::make_shared<Shift>(detector.filter_offset->y)),
        to_v2v3);
  bool const is_subarray = detector.substrt1 != 1 || detector.substrt2 != 1;
  if (is_subarray)
    to_v2v3 = chain(join(make_origin_shift(detector.substrt1), make_origin_shift(detector.substrt2)), to_v2v3);

  // The box moves to the outermost node, where its intervals take the names of that node's inputs.
  auto bounded = to_v2v3->copy();
  auto const names = input_names(*bounded);
  auto const& file_box = detector.distortion->common.bounding_box;
  if (is_subarray || file_box.empty()) {
    bounded->common.bounding_box = {{names[0], -0.5, static_cast<double>(detector.subsize1) - 0.5},
                                    {names[1], -0.5, static_cast<double>(detector.subsize2) - 0.5}};
  } else {
    auto const file_names = input_names(*detector.distortion);
    for (auto const& interval : file_box)
      bounded->common.bounding_box.push_back(
          {interval.input == file_names[1] ? names[1] : names[0], interval.low, interval.high});
  }

  std::vector<GwcsStep> steps;
  steps.push_back({plane_frame("detector", {"x", "y"}, "pixel"), bounded});
  steps.push_back({plane_frame("v2v3", {"v2", "v3"}, "arcsec"), make_velocity_aberration(pointing)});
  steps.push_back({plane_frame("v2v3vacorr", {"v2", "v3"}, "arcsec"), make_v2v3_to_sky(pointing)});
  steps.push_back({{"world", GwcsFrame::Kind::Celestial, {"lon", "lat"}, {"deg", "deg"}}, nullptr});
  return std::make_shared<Gwcs const>("", std::move(steps));
}

}  // namespace tessera::sky
