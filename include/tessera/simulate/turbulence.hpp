// Gradient noise: smooth, isotropic random fields that are functions of position and seed alone.
#pragma once
#include <cstdint>

namespace tessera::simulate {

/// Perlin's gradient noise in two dimensions, about -1 to 1, with features one unit wide. Twice differentiable.
double gradient_noise(double x, double y, std::uint32_t seed);

/// Octaves of gradient noise, each twice as fine and `persistence` as strong, down to features of `smallest` units,
/// divided by the root of the sum of squares of the weights.
double fractal_noise(double x, double y, double largest, double smallest, double persistence, std::uint32_t seed);

}  // namespace tessera::simulate
