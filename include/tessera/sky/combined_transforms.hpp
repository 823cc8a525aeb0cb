// Transforms made of other transforms (spec 25, 1.6).
#pragma once
#include <utility>
#include <vector>

#include "tessera/sky/transform.hpp"

namespace tessera::sky {

/// second(first(v)).
class Compose final : public Transform {
 public:
  Compose(TransformPointer first, TransformPointer second);
  TransformPointer const& first() const { return first_; }
  TransformPointer const& second() const { return second_; }
  int input_count() const override { return first_->input_count(); }
  int output_count() const override { return second_->output_count(); }
  void evaluate(std::size_t count, double const* const* in, double* const* out) const override;
  TransformPointer derived_inverse() const override;
  std::string tag() const override { return "transform/compose"; }
  std::shared_ptr<Transform> copy() const override { return std::make_shared<Compose>(*this); }

 private:
  TransformPointer first_, second_;
};

/// The first inputs go to `first`, the rest to `second`; the outputs are joined.
class Concatenate final : public Transform {
 public:
  Concatenate(TransformPointer first, TransformPointer second);
  TransformPointer const& first() const { return first_; }
  TransformPointer const& second() const { return second_; }
  int input_count() const override { return first_->input_count() + second_->input_count(); }
  int output_count() const override { return first_->output_count() + second_->output_count(); }
  void evaluate(std::size_t count, double const* const* in, double* const* out) const override;
  TransformPointer derived_inverse() const override;
  std::string tag() const override { return "transform/concatenate"; }
  std::shared_ptr<Transform> copy() const override { return std::make_shared<Concatenate>(*this); }

 private:
  TransformPointer first_, second_;
};

/// Both parts get the same inputs; their outputs are combined one by one.
class Arithmetic final : public Transform {
 public:
  enum class Operation { Add, Subtract, Multiply, Divide, Power };
  Arithmetic(Operation operation, TransformPointer first, TransformPointer second);
  Operation operation() const { return operation_; }
  TransformPointer const& first() const { return first_; }
  TransformPointer const& second() const { return second_; }
  int input_count() const override { return first_->input_count(); }
  int output_count() const override { return first_->output_count(); }
  void evaluate(std::size_t count, double const* const* in, double* const* out) const override;
  TransformPointer derived_inverse() const override { return nullptr; }
  std::string tag() const override;
  std::shared_ptr<Transform> copy() const override { return std::make_shared<Arithmetic>(*this); }

 private:
  Operation operation_;
  TransformPointer first_, second_;
};

/// A transform with some of its inputs held at values.
class FixInputs final : public Transform {
 public:
  /// `fixed`: (input index, value), in ascending order of index.
  FixInputs(TransformPointer transform, std::vector<std::pair<int, double>> fixed);
  TransformPointer const& transform() const { return transform_; }
  std::vector<std::pair<int, double>> const& fixed() const { return fixed_; }
  int input_count() const override { return transform_->input_count() - static_cast<int>(fixed_.size()); }
  int output_count() const override { return transform_->output_count(); }
  void evaluate(std::size_t count, double const* const* in, double* const* out) const override;
  TransformPointer derived_inverse() const override { return nullptr; }
  std::string tag() const override { return "transform/fix_inputs"; }
  std::shared_ptr<Transform> copy() const override { return std::make_shared<FixInputs>(*this); }

 private:
  TransformPointer transform_;
  std::vector<std::pair<int, double>> fixed_;
};

}  // namespace tessera::sky
