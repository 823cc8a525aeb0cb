// Transforms on the sphere (spec 25, 1.6). Angles in degrees.
#pragma once
#include <string>
#include <vector>

#include "tessera/sky/rotation.hpp"
#include "tessera/sky/transform.hpp"

namespace tessera::sky {

/// A sequence of frame rotations, on vectors (3 to 3) or on longitude and latitude (2 to 2, longitude in (-180, 180]).
class RotateSequence3D final : public Transform {
 public:
  enum class Kind { Cartesian, Spherical };
  /// One angle for each letter x, y or z of `axes`.
  RotateSequence3D(std::vector<double> angles, std::string axes, Kind kind);
  std::vector<double> const& angles() const { return angles_; }
  std::string const& axes() const { return axes_; }
  Kind kind() const { return kind_; }
  Matrix3 const& matrix() const { return matrix_; }
  int input_count() const override { return kind_ == Kind::Cartesian ? 3 : 2; }
  int output_count() const override { return input_count(); }
  void evaluate(std::size_t count, double const* const* in, double* const* out) const override;
  TransformPointer derived_inverse() const override;
  std::string tag() const override { return "transform/rotate_sequence_3d"; }
  std::shared_ptr<Transform> copy() const override { return std::make_shared<RotateSequence3D>(*this); }

 private:
  std::vector<double> angles_;
  std::string axes_;
  Kind kind_;
  Matrix3 matrix_;
};

/// Longitude and latitude to a unit vector, or back.
class SphericalCartesian final : public Transform {
 public:
  enum class Kind { SphericalToCartesian, CartesianToSpherical };
  /// wrap_longitude_at: 360 gives longitudes in [0, 360), 180 in (-180, 180].
  explicit SphericalCartesian(Kind kind, int wrap_longitude_at = 360);
  Kind kind() const { return kind_; }
  int wrap_longitude_at() const { return wrap_longitude_at_; }
  int input_count() const override { return kind_ == Kind::SphericalToCartesian ? 2 : 3; }
  int output_count() const override { return kind_ == Kind::SphericalToCartesian ? 3 : 2; }
  void evaluate(std::size_t count, double const* const* in, double* const* out) const override;
  TransformPointer derived_inverse() const override;
  std::string tag() const override { return "gwcs/spherical_cartesian"; }
  std::shared_ptr<Transform> copy() const override { return std::make_shared<SphericalCartesian>(*this); }

 private:
  Kind kind_;
  int wrap_longitude_at_;
};

/// Native to celestial coordinates or back; other directions ("zxz", "xyz", ...) are Euler rotations of the sphere.
/// native2celestial: phi, theta = longitude, latitude of the fiducial point, psi = native longitude of the pole.
class Rotate3D final : public Transform {
 public:
  Rotate3D(double phi, double theta, double psi, std::string direction);
  static bool is_direction(std::string const& direction);
  double phi() const { return phi_; }
  double theta() const { return theta_; }
  double psi() const { return psi_; }
  std::string const& direction() const { return direction_; }
  int input_count() const override { return 2; }
  int output_count() const override { return 2; }
  void evaluate(std::size_t count, double const* const* in, double* const* out) const override;
  TransformPointer derived_inverse() const override;
  std::string tag() const override { return "transform/rotate3d"; }
  std::shared_ptr<Transform> copy() const override { return std::make_shared<Rotate3D>(*this); }

 private:
  double phi_, theta_, psi_;
  std::string direction_;
  Matrix3 matrix_;
};

/// Tangent-plane projection: plane (degrees) to native longitude and latitude, or back. NaN for native latitudes <= 0.
class Gnomonic final : public Transform {
 public:
  enum class Direction { PixelToSky, SkyToPixel };
  explicit Gnomonic(Direction direction) : direction_(direction) {}
  Direction direction() const { return direction_; }
  int input_count() const override { return 2; }
  int output_count() const override { return 2; }
  void evaluate(std::size_t count, double const* const* in, double* const* out) const override;
  TransformPointer derived_inverse() const override;
  std::string tag() const override { return "transform/gnomonic"; }
  std::shared_ptr<Transform> copy() const override { return std::make_shared<Gnomonic>(*this); }

 private:
  Direction direction_;
};

}  // namespace tessera::sky
