#include "tessera/sky/rotation.hpp"

#include <cmath>

#include "tessera/core/contract.hpp"

namespace tessera::sky {

Matrix3 frame_rotation(char axis, double degrees) {
  double const c = std::cos(degrees * RadiansPerDegree), s = std::sin(degrees * RadiansPerDegree);
  switch (axis) {
    case 'x':
      return {{{1, 0, 0}, {0, c, s}, {0, -s, c}}};
    case 'y':
      return {{{c, 0, -s}, {0, 1, 0}, {s, 0, c}}};
    default:
      TESSERA_EXPECT(axis == 'z');
      return {{{c, s, 0}, {-s, c, 0}, {0, 0, 1}}};
  }
}

Matrix3 multiply(Matrix3 const& a, Matrix3 const& b) {
  Matrix3 product{};
  for (std::size_t row = 0; row < 3; ++row)
    for (std::size_t column = 0; column < 3; ++column)
      product[row][column] = a[row][0] * b[0][column] + a[row][1] * b[1][column] + a[row][2] * b[2][column];
  return product;
}

Matrix3 transpose(Matrix3 const& matrix) {
  Matrix3 result{};
  for (std::size_t row = 0; row < 3; ++row)
    for (std::size_t column = 0; column < 3; ++column) result[column][row] = matrix[row][column];
  return result;
}

Matrix3 rotation_sequence(std::string_view axes, std::vector<double> const& degrees) {
  TESSERA_EXPECT(axes.size() == degrees.size());
  Matrix3 matrix{{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
  for (std::size_t k = 0; k < axes.size(); ++k) matrix = multiply(frame_rotation(axes[k], degrees[k]), matrix);
  return matrix;
}

}  // namespace tessera::sky
