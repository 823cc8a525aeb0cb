// Transforms without parts: arithmetic on columns (spec 25, table 1.6).
#pragma once
#include <array>
#include <vector>

#include "tessera/sky/transform.hpp"

namespace tessera::sky {

/// v + offset.
class Shift final : public Transform {
 public:
  explicit Shift(double offset) : offset_(offset) {}
  double offset() const { return offset_; }
  int input_count() const override { return 1; }
  int output_count() const override { return 1; }
  void evaluate(std::size_t count, double const* const* in, double* const* out) const override;
  TransformPointer derived_inverse() const override;
  std::string tag() const override { return "transform/shift"; }
  std::shared_ptr<Transform> copy() const override { return std::make_shared<Shift>(*this); }

 private:
  double offset_;
};

/// v * factor. `Multiply` is the tag "transform/multiplyscale", which means the same.
class Scale final : public Transform {
 public:
  enum class Kind { Scale, Multiply };
  explicit Scale(double factor, Kind kind = Kind::Scale) : factor_(factor), kind_(kind) {}
  double factor() const { return factor_; }
  int input_count() const override { return 1; }
  int output_count() const override { return 1; }
  void evaluate(std::size_t count, double const* const* in, double* const* out) const override;
  TransformPointer derived_inverse() const override;  ///< null for factor 0
  std::string tag() const override { return kind_ == Kind::Scale ? "transform/scale" : "transform/multiplyscale"; }
  std::shared_ptr<Transform> copy() const override { return std::make_shared<Scale>(*this); }

 private:
  double factor_;
  Kind kind_;
};

/// slope * v + intercept.
class Linear1D final : public Transform {
 public:
  Linear1D(double slope, double intercept) : slope_(slope), intercept_(intercept) {}
  double slope() const { return slope_; }
  double intercept() const { return intercept_; }
  int input_count() const override { return 1; }
  int output_count() const override { return 1; }
  void evaluate(std::size_t count, double const* const* in, double* const* out) const override;
  TransformPointer derived_inverse() const override;  ///< null for slope 0
  std::string tag() const override { return "transform/linear1d"; }
  std::shared_ptr<Transform> copy() const override { return std::make_shared<Linear1D>(*this); }

 private:
  double slope_, intercept_;
};

/// The same value whatever the inputs (1 or 2 of them).
class Constant final : public Transform {
 public:
  explicit Constant(double value, int dimensions = 1);
  double value() const { return value_; }
  int input_count() const override { return dimensions_; }
  int output_count() const override { return 1; }
  void evaluate(std::size_t count, double const* const* in, double* const* out) const override;
  TransformPointer derived_inverse() const override { return nullptr; }
  std::string tag() const override { return "transform/constant"; }
  std::shared_ptr<Transform> copy() const override { return std::make_shared<Constant>(*this); }

 private:
  double value_;
  int dimensions_;
};

/// Copies its inputs.
class Identity final : public Transform {
 public:
  explicit Identity(int dimensions = 1);
  int input_count() const override { return dimensions_; }
  int output_count() const override { return dimensions_; }
  void evaluate(std::size_t count, double const* const* in, double* const* out) const override;
  TransformPointer derived_inverse() const override { return std::make_shared<Identity>(dimensions_); }
  std::string tag() const override { return "transform/identity"; }
  std::shared_ptr<Transform> copy() const override { return std::make_shared<Identity>(*this); }

 private:
  int dimensions_;
};

/// out[k] = in[mapping[k]].
class RemapAxes final : public Transform {
 public:
  RemapAxes(std::vector<int> mapping, int input_count);
  explicit RemapAxes(std::vector<int> mapping);  ///< as many inputs as the mapping uses
  std::vector<int> const& mapping() const { return mapping_; }
  int input_count() const override { return input_count_; }
  int output_count() const override { return static_cast<int>(mapping_.size()); }
  void evaluate(std::size_t count, double const* const* in, double* const* out) const override;
  TransformPointer derived_inverse() const override;  ///< null when an input is dropped
  std::string tag() const override { return "transform/remap_axes"; }
  std::shared_ptr<Transform> copy() const override { return std::make_shared<RemapAxes>(*this); }

 private:
  std::vector<int> mapping_;
  int input_count_;
};

/// matrix * v + translation in two dimensions.
class Affine final : public Transform {
 public:
  using Matrix = std::array<std::array<double, 2>, 2>;
  Affine(Matrix const& matrix, std::array<double, 2> const& translation) : matrix_(matrix), translation_(translation) {}
  Matrix const& matrix() const { return matrix_; }
  std::array<double, 2> const& translation() const { return translation_; }
  int input_count() const override { return 2; }
  int output_count() const override { return 2; }
  void evaluate(std::size_t count, double const* const* in, double* const* out) const override;
  TransformPointer derived_inverse() const override;  ///< null for a singular matrix
  std::string tag() const override { return "transform/affine"; }
  std::shared_ptr<Transform> copy() const override { return std::make_shared<Affine>(*this); }

 private:
  Matrix matrix_;
  std::array<double, 2> translation_;
};

/// Rotation of the plane, counter-clockwise, degrees.
class Rotate2D final : public Transform {
 public:
  explicit Rotate2D(double angle);
  double angle() const { return angle_; }
  int input_count() const override { return 2; }
  int output_count() const override { return 2; }
  void evaluate(std::size_t count, double const* const* in, double* const* out) const override;
  TransformPointer derived_inverse() const override { return std::make_shared<Rotate2D>(-angle_); }
  std::string tag() const override { return "transform/rotate2d"; }
  std::shared_ptr<Transform> copy() const override { return std::make_shared<Rotate2D>(*this); }

 private:
  double angle_, cosine_, sine_;
};

}  // namespace tessera::sky
