#include "tessera/sky/sky_transforms.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tessera/core/contract.hpp"

namespace tessera::sky {

namespace {

struct Vector3 {
  double x, y, z;
};

Vector3 rotate(Matrix3 const& m, Vector3 const& v) {
  return {m[0][0] * v.x + m[0][1] * v.y + m[0][2] * v.z, m[1][0] * v.x + m[1][1] * v.y + m[1][2] * v.z,
          m[2][0] * v.x + m[2][1] * v.y + m[2][2] * v.z};
}

Vector3 unit_vector(double longitude, double latitude) {
  double const a = longitude * RadiansPerDegree, b = latitude * RadiansPerDegree;
  double const cos_b = std::cos(b);
  return {cos_b * std::cos(a), cos_b * std::sin(a), std::sin(b)};
}

double longitude_of(Vector3 const& v) { return std::atan2(v.y, v.x) * DegreesPerRadian; }
/// Components are of order one, so the slow care of hypot about overflow is not needed.
double latitude_of(Vector3 const& v) { return std::atan2(v.z, std::sqrt(v.x * v.x + v.y * v.y)) * DegreesPerRadian; }

/// (-180, 180] to [0, 360); a tiny negative longitude that rounds to 360 becomes 0.
double wrap_360(double longitude) {
  double const wrapped = longitude < 0 ? longitude + 360 : longitude;
  return wrapped >= 360 ? 0.0 : wrapped;
}

Matrix3 rotate3d_matrix(double phi, double theta, double psi, std::string const& direction) {
  if (direction == "native2celestial" || direction == "celestial2native") {
    Matrix3 const to_sky = multiply(frame_rotation('z', -90 - phi),
                                    multiply(frame_rotation('x', -(90 - theta)), frame_rotation('z', psi - 90)));
    return direction == "native2celestial" ? to_sky : transpose(to_sky);
  }
  return rotation_sequence(direction, {phi, theta, psi});
}

}  // namespace

RotateSequence3D::RotateSequence3D(std::vector<double> angles, std::string axes, Kind kind)
    : angles_(std::move(angles)), axes_(std::move(axes)), kind_(kind), matrix_(rotation_sequence(axes_, angles_)) {}

void RotateSequence3D::evaluate(std::size_t count, double const* const* in, double* const* out) const {
  if (kind_ == Kind::Cartesian) {
    for (std::size_t k = 0; k < count; ++k) {
      Vector3 const v = rotate(matrix_, {in[0][k], in[1][k], in[2][k]});
      out[0][k] = v.x;
      out[1][k] = v.y;
      out[2][k] = v.z;
    }
    return;
  }
  for (std::size_t k = 0; k < count; ++k) {
    Vector3 const v = rotate(matrix_, unit_vector(in[0][k], in[1][k]));
    out[0][k] = longitude_of(v);
    out[1][k] = latitude_of(v);
  }
}

TransformPointer RotateSequence3D::derived_inverse() const {
  std::vector<double> angles(angles_.rbegin(), angles_.rend());
  for (double& angle : angles) angle = -angle;
  return std::make_shared<RotateSequence3D>(std::move(angles), std::string(axes_.rbegin(), axes_.rend()), kind_);
}

SphericalCartesian::SphericalCartesian(Kind kind, int wrap_longitude_at)
    : kind_(kind), wrap_longitude_at_(wrap_longitude_at) {
  TESSERA_EXPECT(wrap_longitude_at == 180 || wrap_longitude_at == 360);
}

void SphericalCartesian::evaluate(std::size_t count, double const* const* in, double* const* out) const {
  if (kind_ == Kind::SphericalToCartesian) {
    for (std::size_t k = 0; k < count; ++k) {
      Vector3 const v = unit_vector(in[0][k], in[1][k]);
      out[0][k] = v.x;
      out[1][k] = v.y;
      out[2][k] = v.z;
    }
    return;
  }
  bool const wrap = wrap_longitude_at_ == 360;
  for (std::size_t k = 0; k < count; ++k) {
    Vector3 const v{in[0][k], in[1][k], in[2][k]};
    double const longitude = longitude_of(v);
    out[0][k] = wrap ? wrap_360(longitude) : longitude;
    out[1][k] = latitude_of(v);
  }
}

TransformPointer SphericalCartesian::derived_inverse() const {
  bool const is_to_vector = kind_ == Kind::SphericalToCartesian;
  return std::make_shared<SphericalCartesian>(is_to_vector ? Kind::CartesianToSpherical : Kind::SphericalToCartesian,
                                              wrap_longitude_at_);
}

Rotate3D::Rotate3D(double phi, double theta, double psi, std::string direction)
    : phi_(phi),
      theta_(theta),
      psi_(psi),
      direction_(std::move(direction)),
      matrix_(rotate3d_matrix(phi, theta, psi, direction_)) {}

bool Rotate3D::is_direction(std::string const& direction) {
  if (direction == "native2celestial" || direction == "celestial2native") return true;
  return direction.size() == 3 && direction.find_first_not_of("xyz") == std::string::npos;
}

void Rotate3D::evaluate(std::size_t count, double const* const* in, double* const* out) const {
  bool const wrap = direction_ == "native2celestial";  // the others leave longitudes in (-180, 180]
  for (std::size_t k = 0; k < count; ++k) {
    Vector3 const v = rotate(matrix_, unit_vector(in[0][k], in[1][k]));
    double const longitude = longitude_of(v);
    out[0][k] = wrap ? wrap_360(longitude) : longitude;
    out[1][k] = latitude_of(v);
  }
}

TransformPointer Rotate3D::derived_inverse() const {
  if (direction_ == "native2celestial") return std::make_shared<Rotate3D>(phi_, theta_, psi_, "celestial2native");
  if (direction_ == "celestial2native") return std::make_shared<Rotate3D>(phi_, theta_, psi_, "native2celestial");
  return std::make_shared<Rotate3D>(-psi_, -theta_, -phi_, std::string(direction_.rbegin(), direction_.rend()));
}

void Gnomonic::evaluate(std::size_t count, double const* const* in, double* const* out) const {
  if (direction_ == Direction::PixelToSky) {
    for (std::size_t k = 0; k < count; ++k) {
      double const x = in[0][k], y = in[1][k];
      out[0][k] = std::atan2(x, -y) * DegreesPerRadian;
      out[1][k] = std::atan2(DegreesPerRadian, std::hypot(x, y)) * DegreesPerRadian;
    }
    return;
  }
  for (std::size_t k = 0; k < count; ++k) {
    double const longitude = in[0][k] * RadiansPerDegree, latitude = in[1][k] * RadiansPerDegree;
    double const sine = std::sin(latitude);
    // Points on or below the native horizon have no image; without this they would appear mirrored.
    double const radius =
        sine > 0 ? DegreesPerRadian * (std::cos(latitude) / sine) : std::numeric_limits<double>::quiet_NaN();
    out[0][k] = radius * std::sin(longitude);
    out[1][k] = -radius * std::cos(longitude);
  }
}

TransformPointer Gnomonic::derived_inverse() const {
  return std::make_shared<Gnomonic>(direction_ == Direction::PixelToSky ? Direction::SkyToPixel
                                                                        : Direction::PixelToSky);
}

}  // namespace tessera::sky
