#include "tessera/sky/transforms.hpp"

namespace tessera::sky {

namespace {

std::vector<std::string> numbered(char letter, int count) {
  if (count == 1) return {std::string(1, letter)};
  std::vector<std::string> names;
  for (int k = 0; k < count; ++k) names.push_back(letter + std::to_string(k));
  return names;
}

}  // namespace

std::vector<std::string> input_names(Transform const& transform) {
  auto const count = transform.input_count();
  if (static_cast<int>(transform.common.input_names.size()) == count) return transform.common.input_names;
  if (auto const* compose = dynamic_cast<Compose const*>(&transform)) return input_names(*compose->first());
  if (auto const* arithmetic = dynamic_cast<Arithmetic const*>(&transform)) return input_names(*arithmetic->first());
  if (auto const* spherical = dynamic_cast<SphericalCartesian const*>(&transform))
    return spherical->input_count() == 2 ? std::vector<std::string>{"lon", "lat"}
                                         : std::vector<std::string>{"x", "y", "z"};
  if (auto const* sequence = dynamic_cast<RotateSequence3D const*>(&transform))
    return sequence->input_count() == 2 ? std::vector<std::string>{"lon", "lat"}
                                        : std::vector<std::string>{"x", "y", "z"};
  if (auto const* rotation = dynamic_cast<Rotate3D const*>(&transform)) {
    if (rotation->direction() == "native2celestial") return {"phi_N", "theta_N"};
    if (rotation->direction() == "celestial2native") return {"alpha_C", "delta_C"};
    return {"alpha", "delta"};
  }
  if (auto const* gnomonic = dynamic_cast<Gnomonic const*>(&transform))
    return gnomonic->direction() == Gnomonic::Direction::PixelToSky ? std::vector<std::string>{"x", "y"}
                                                                    : std::vector<std::string>{"phi", "theta"};
  bool const is_planar = dynamic_cast<Affine const*>(&transform) || dynamic_cast<Rotate2D const*>(&transform) ||
                         dynamic_cast<Polynomial2D const*>(&transform) || dynamic_cast<Constant const*>(&transform);
  if (is_planar && count == 2) return {"x", "y"};
  return numbered('x', count);
}

std::vector<std::string> output_names(Transform const& transform) {
  auto const count = transform.output_count();
  if (static_cast<int>(transform.common.output_names.size()) == count) return transform.common.output_names;
  if (auto const* compose = dynamic_cast<Compose const*>(&transform)) return output_names(*compose->second());
  if (auto const* arithmetic = dynamic_cast<Arithmetic const*>(&transform)) return output_names(*arithmetic->first());
  if (auto const* fixed = dynamic_cast<FixInputs const*>(&transform)) return output_names(*fixed->transform());
  if (auto const* spherical = dynamic_cast<SphericalCartesian const*>(&transform))
    return spherical->output_count() == 2 ? std::vector<std::string>{"lon", "lat"}
                                          : std::vector<std::string>{"x", "y", "z"};
  if (dynamic_cast<RotateSequence3D const*>(&transform)) return input_names(transform);
  if (auto const* rotation = dynamic_cast<Rotate3D const*>(&transform)) {
    if (rotation->direction() == "native2celestial") return {"alpha_C", "delta_C"};
    if (rotation->direction() == "celestial2native") return {"phi_N", "theta_N"};
    return {"alpha", "delta"};
  }
  if (auto const* gnomonic = dynamic_cast<Gnomonic const*>(&transform))
    return gnomonic->direction() == Gnomonic::Direction::PixelToSky ? std::vector<std::string>{"phi", "theta"}
                                                                    : std::vector<std::string>{"x", "y"};
  if (dynamic_cast<Polynomial2D const*>(&transform)) return {"z"};
  if (dynamic_cast<Affine const*>(&transform) || dynamic_cast<Rotate2D const*>(&transform)) return {"x", "y"};
  if (dynamic_cast<Identity const*>(&transform) || dynamic_cast<RemapAxes const*>(&transform))
    return numbered('x', count);
  return numbered('y', count);
}

std::shared_ptr<Compose> chain(TransformPointer first, TransformPointer second) {
  return std::make_shared<Compose>(std::move(first), std::move(second));
}

std::shared_ptr<Concatenate> join(TransformPointer first, TransformPointer second) {
  return std::make_shared<Concatenate>(std::move(first), std::move(second));
}

}  // namespace tessera::sky
