#include "tessera/sky/combined_transforms.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "tessera/core/contract.hpp"

namespace tessera::sky {

namespace {

/// Columns of intermediate values of one block, on the stack.
struct BlockColumns {
  double values[MaxAxes][BlockPoints];
  std::array<double*, MaxAxes> pointers{};
  BlockColumns() {
    for (std::size_t axis = 0; axis < MaxAxes; ++axis) pointers[axis] = values[axis];
  }
};

template <class Pointer>
std::array<Pointer, MaxAxes> offset_columns(Pointer const* columns, int count, std::size_t start) {
  std::array<Pointer, MaxAxes> moved{};
  for (std::size_t axis = 0; axis < static_cast<std::size_t>(count); ++axis) moved[axis] = columns[axis] + start;
  return moved;
}

bool fits(Transform const* transform) {
  return transform && transform->input_count() <= MaxAxes && transform->output_count() <= MaxAxes;
}

template <class Combine>
void combine_columns(double const* second, double* first, std::size_t count, Combine combine) {
  for (std::size_t k = 0; k < count; ++k) first[k] = combine(first[k], second[k]);
}

}  // namespace

Compose::Compose(TransformPointer first, TransformPointer second)
    : first_(std::move(first)), second_(std::move(second)) {
  TESSERA_EXPECT(fits(first_.get()) && fits(second_.get()));
  TESSERA_EXPECT(first_->output_count() == second_->input_count());
}

void Compose::evaluate(std::size_t count, double const* const* in, double* const* out) const {
  BlockColumns middle;
  for (std::size_t start = 0; start < count; start += BlockPoints) {
    std::size_t const points = std::min(BlockPoints, count - start);
    auto const from = offset_columns(in, input_count(), start);
    auto const to = offset_columns(out, output_count(), start);
    first_->evaluate(points, from.data(), middle.pointers.data());
    second_->evaluate(points, middle.pointers.data(), to.data());
  }
}

TransformPointer Compose::derived_inverse() const {
  TransformPointer first = first_->inverse(), second = second_->inverse();
  // Inner explicit inverses of old files need not fit their nodes: such a chain has no inverse of its own.
  if (!fits(first.get()) || !fits(second.get()) || second->output_count() != first->input_count()) return nullptr;
  return std::make_shared<Compose>(std::move(second), std::move(first));
}

Concatenate::Concatenate(TransformPointer first, TransformPointer second)
    : first_(std::move(first)), second_(std::move(second)) {
  TESSERA_EXPECT(first_ && second_);
  TESSERA_EXPECT(input_count() <= MaxAxes && output_count() <= MaxAxes);
}

void Concatenate::evaluate(std::size_t count, double const* const* in, double* const* out) const {
  first_->evaluate(count, in, out);
  second_->evaluate(count, in + first_->input_count(), out + first_->output_count());
}

TransformPointer Concatenate::derived_inverse() const {
  TransformPointer first = first_->inverse(), second = second_->inverse();
  if (!first || !second || first->input_count() + second->input_count() > MaxAxes ||
      first->output_count() + second->output_count() > MaxAxes)
    return nullptr;
  return std::make_shared<Concatenate>(std::move(first), std::move(second));
}

Arithmetic::Arithmetic(Operation operation, TransformPointer first, TransformPointer second)
    : operation_(operation), first_(std::move(first)), second_(std::move(second)) {
  TESSERA_EXPECT(fits(first_.get()) && fits(second_.get()));
  TESSERA_EXPECT(first_->input_count() == second_->input_count());
  TESSERA_EXPECT(first_->output_count() == second_->output_count());
}

void Arithmetic::evaluate(std::size_t count, double const* const* in, double* const* out) const {
  BlockColumns other;
  for (std::size_t start = 0; start < count; start += BlockPoints) {
    std::size_t const points = std::min(BlockPoints, count - start);
    auto const from = offset_columns(in, input_count(), start);
    auto const to = offset_columns(out, output_count(), start);
    first_->evaluate(points, from.data(), to.data());
    second_->evaluate(points, from.data(), other.pointers.data());
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(output_count()); ++axis) {
      double const* const b = other.pointers[axis];
      double* const a = to[axis];
      switch (operation_) {
        case Operation::Add:
          combine_columns(b, a, points, [](double l, double r) { return l + r; });
          break;
        case Operation::Subtract:
          combine_columns(b, a, points, [](double l, double r) { return l - r; });
          break;
        case Operation::Multiply:
          combine_columns(b, a, points, [](double l, double r) { return l * r; });
          break;
        case Operation::Divide:
          combine_columns(b, a, points, [](double l, double r) { return l / r; });
          break;
        case Operation::Power:
          combine_columns(b, a, points, [](double l, double r) { return std::pow(l, r); });
          break;
      }
    }
  }
}

std::string Arithmetic::tag() const {
  switch (operation_) {
    case Operation::Add:
      return "transform/add";
    case Operation::Subtract:
      return "transform/subtract";
    case Operation::Multiply:
      return "transform/multiply";
    case Operation::Divide:
      return "transform/divide";
    case Operation::Power:
      break;
  }
  return "transform/power";
}

FixInputs::FixInputs(TransformPointer transform, std::vector<std::pair<int, double>> fixed)
    : transform_(std::move(transform)), fixed_(std::move(fixed)) {
  TESSERA_EXPECT(fits(transform_.get()));
  int last = -1;
  for (auto const& [input, value] : fixed_) {
    TESSERA_EXPECT(input > last && input < transform_->input_count());
    last = input;
  }
}

void FixInputs::evaluate(std::size_t count, double const* const* in, double* const* out) const {
  BlockColumns constants;
  for (std::size_t start = 0; start < count; start += BlockPoints) {
    std::size_t const points = std::min(BlockPoints, count - start);
    std::array<double const*, MaxAxes> from{};
    std::size_t next_fixed = 0, next_free = 0;
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(transform_->input_count()); ++axis) {
      if (next_fixed < fixed_.size() && fixed_[next_fixed].first == static_cast<int>(axis)) {
        std::fill_n(constants.pointers[axis], points, fixed_[next_fixed++].second);
        from[axis] = constants.pointers[axis];
      } else {
        from[axis] = in[next_free++] + start;
      }
    }
    auto const to = offset_columns(out, output_count(), start);
    transform_->evaluate(points, from.data(), to.data());
  }
}

}  // namespace tessera::sky
