// Inverse of a plane transform that has none of its own.
#pragma once
#include <cstddef>

#include "tessera/sky/transform.hpp"

namespace tessera::sky {

/// Points (x, y) with transform(x, y) = (a, b), by Newton's method from `start` to 1e-8 in x and y, at most 30 steps;
/// NaN where it does not converge. `wraps`: the first output is a longitude in degrees, equal modulo 360.
void invert_by_newton(Transform const& transform, double start_x, double start_y, bool wraps, std::size_t count,
                      double const* a, double const* b, double* x, double* y);

}  // namespace tessera::sky
