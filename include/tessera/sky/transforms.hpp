// All transforms, the names of their axes, and short ways to build trees of them.
#pragma once
#include <string>
#include <vector>

#include "tessera/sky/combined_transforms.hpp"
#include "tessera/sky/polynomial_transforms.hpp"
#include "tessera/sky/simple_transforms.hpp"
#include "tessera/sky/sky_transforms.hpp"

namespace tessera::sky {

/// Names of the inputs (outputs) of a node: those it carries, else the defaults of its kind (spec 25, 1.9).
std::vector<std::string> input_names(Transform const& transform);
std::vector<std::string> output_names(Transform const& transform);

/// first, then second: Compose with its axes named after its parts.
std::shared_ptr<Compose> chain(TransformPointer first, TransformPointer second);
/// first and second side by side.
std::shared_ptr<Concatenate> join(TransformPointer first, TransformPointer second);
/// A new node of kind T with a name.
template <class T, class... Arguments>
std::shared_ptr<T> make_named(std::string name, Arguments&&... arguments) {
  auto node = std::make_shared<T>(std::forward<Arguments>(arguments)...);
  node->common.name = std::move(name);
  return node;
}

}  // namespace tessera::sky
