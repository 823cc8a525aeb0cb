// Transforms of the ASDF transform and gwcs schemas (spec 25, 1.6) as immutable trees.
#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tessera::sky {

/// Points that combining nodes evaluate at a time: their intermediate columns stay in the nearest cache.
inline constexpr std::size_t BlockPoints = 256;
/// Most inputs or outputs of any node; readers refuse more.
inline constexpr int MaxAxes = 8;

class Transform;
using TransformPointer = std::shared_ptr<Transform const>;

/// Interval of one input of a transform; an ignored input has none.
struct InputInterval {
  std::string input;
  double low = 0, high = 0;
};

/// A node: n inputs to m outputs. Angles in degrees. Immutable once built; evaluation is thread safe.
class Transform {
 public:
  virtual ~Transform() = default;

  virtual int input_count() const = 0;
  virtual int output_count() const = 0;

  /// Evaluates `count` points. in[i] and out[o] are columns of `count` values; in and out do not overlap.
  virtual void evaluate(std::size_t count, double const* const* in, double* const* out) const = 0;

  /// Inverse that follows from the node's kind, or null when there is none (spec 25, table 1.6).
  virtual TransformPointer derived_inverse() const = 0;

  /// Tag name without version, "transform/shift"; with it the writer finds the node's parameters by dynamic type.
  virtual std::string tag() const = 0;

  /// The same node (children shared), to be given other common keys before it is shared.
  virtual std::shared_ptr<Transform> copy() const = 0;

  /// Optional keys every node may carry.
  struct Common {
    std::string name;
    std::vector<std::string> input_names, output_names;
    TransformPointer explicit_inverse;        ///< overrides the derived one
    std::vector<InputInterval> bounding_box;  ///< empty: none
  };
  Common common;

  /// Explicit inverse, else derived, else null (a numerical inverse is the caller's: see gwcs.hpp).
  TransformPointer inverse() const { return common.explicit_inverse ? common.explicit_inverse : derived_inverse(); }
};

}  // namespace tessera::sky
