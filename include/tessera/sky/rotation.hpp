// Rotation matrices of sky frames, and unit vectors.
#pragma once
#include <array>
#include <string_view>
#include <vector>

namespace tessera::sky {

/// Row-major 3x3 matrix.
using Matrix3 = std::array<std::array<double, 3>, 3>;

inline constexpr double DegreesPerRadian = 57.295779513082320876798154814105;
inline constexpr double RadiansPerDegree = 0.017453292519943295769236907684886;

/// Frame rotation about axis 'x', 'y' or 'z' (spec 25, 1.6 rotate_sequence_3d). Angle in degrees.
Matrix3 frame_rotation(char axis, double degrees);
Matrix3 multiply(Matrix3 const& a, Matrix3 const& b);
Matrix3 transpose(Matrix3 const& matrix);
/// R[last] ... R[1] R[0]: the rotations are applied in the order given. One angle (degrees) for each axis letter.
Matrix3 rotation_sequence(std::string_view axes, std::vector<double> const& degrees);

}  // namespace tessera::sky
