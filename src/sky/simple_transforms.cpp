#include "tessera/sky/simple_transforms.hpp"

#include <algorithm>
#include <cmath>

#include "tessera/core/contract.hpp"
#include "tessera/sky/rotation.hpp"

namespace tessera::sky {

void Shift::evaluate(std::size_t count, double const* const* in, double* const* out) const {
  for (std::size_t k = 0; k < count; ++k) out[0][k] = in[0][k] + offset_;
}
TransformPointer Shift::derived_inverse() const { return std::make_shared<Shift>(-offset_); }

void Scale::evaluate(std::size_t count, double const* const* in, double* const* out) const {
  for (std::size_t k = 0; k < count; ++k) out[0][k] = in[0][k] * factor_;
}
TransformPointer Scale::derived_inverse() const {
  return factor_ == 0 ? nullptr : std::make_shared<Scale>(1.0 / factor_, kind_);
}

void Linear1D::evaluate(std::size_t count, double const* const* in, double* const* out) const {
  for (std::size_t k = 0; k < count; ++k) out[0][k] = slope_ * in[0][k] + intercept_;
}
TransformPointer Linear1D::derived_inverse() const {
  return slope_ == 0 ? nullptr : std::make_shared<Linear1D>(1.0 / slope_, -intercept_ / slope_);
}

Constant::Constant(double value, int dimensions) : value_(value), dimensions_(dimensions) {
  TESSERA_EXPECT(dimensions == 1 || dimensions == 2);
}
void Constant::evaluate(std::size_t count, double const* const*, double* const* out) const {
  std::fill_n(out[0], count, value_);
}

Identity::Identity(int dimensions) : dimensions_(dimensions) {
  TESSERA_EXPECT(dimensions >= 1 && dimensions <= MaxAxes);
}
void Identity::evaluate(std::size_t count, double const* const* in, double* const* out) const {
  for (int axis = 0; axis < dimensions_; ++axis) std::copy_n(in[axis], count, out[axis]);
}

RemapAxes::RemapAxes(std::vector<int> mapping, int input_count)
    : mapping_(std::move(mapping)), input_count_(input_count) {
  TESSERA_EXPECT(!mapping_.empty() && mapping_.size() <= MaxAxes && input_count >= 1 && input_count <= MaxAxes);
  for (int const axis : mapping_) TESSERA_EXPECT(axis >= 0 && axis < input_count);
}
RemapAxes::RemapAxes(std::vector<int> mapping)
    : RemapAxes(mapping, mapping.empty() ? 0 : *std::max_element(mapping.begin(), mapping.end()) + 1) {}
void RemapAxes::evaluate(std::size_t count, double const* const* in, double* const* out) const {
  for (std::size_t k = 0; k < mapping_.size(); ++k) std::copy_n(in[mapping_[k]], count, out[k]);
}
TransformPointer RemapAxes::derived_inverse() const {
  std::vector<int> inverse;
  for (int axis = 0; axis < input_count_; ++axis) {
    auto const found = std::find(mapping_.begin(), mapping_.end(), axis);
    if (found == mapping_.end()) return nullptr;
    inverse.push_back(static_cast<int>(found - mapping_.begin()));
  }
  return std::make_shared<RemapAxes>(std::move(inverse), output_count());
}

void Affine::evaluate(std::size_t count, double const* const* in, double* const* out) const {
  double const a = matrix_[0][0], b = matrix_[0][1], c = matrix_[1][0], d = matrix_[1][1];
  for (std::size_t k = 0; k < count; ++k) {
    double const x = in[0][k], y = in[1][k];
    out[0][k] = a * x + b * y + translation_[0];
    out[1][k] = c * x + d * y + translation_[1];
  }
}
TransformPointer Affine::derived_inverse() const {
  double const a = matrix_[0][0], b = matrix_[0][1], c = matrix_[1][0], d = matrix_[1][1];
  double const determinant = a * d - b * c;
  if (determinant == 0 || !std::isfinite(determinant)) return nullptr;
  Matrix const inverse{{{d / determinant, -b / determinant}, {-c / determinant, a / determinant}}};
  std::array<double, 2> const back{-(inverse[0][0] * translation_[0] + inverse[0][1] * translation_[1]),
                                   -(inverse[1][0] * translation_[0] + inverse[1][1] * translation_[1])};
  return std::make_shared<Affine>(inverse, back);
}

Rotate2D::Rotate2D(double angle)
    : angle_(angle), cosine_(std::cos(angle * RadiansPerDegree)), sine_(std::sin(angle * RadiansPerDegree)) {}
void Rotate2D::evaluate(std::size_t count, double const* const* in, double* const* out) const {
  for (std::size_t k = 0; k < count; ++k) {
    double const x = in[0][k], y = in[1][k];
    out[0][k] = x * cosine_ - y * sine_;
    out[1][k] = x * sine_ + y * cosine_;
  }
}

}  // namespace tessera::sky
