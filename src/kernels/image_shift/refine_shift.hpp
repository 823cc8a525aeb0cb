// Least squares on gradients: the last step of measuring a shift.
#pragma once
#include "tessera/kernels/image_shift.hpp"

namespace tessera::kernels {

/// Improves shift.x and shift.y from where they are; fills errors, pixels and rms. False where there are too few
/// pixels, the gradients do not determine a shift, or it does not converge within two pixels.
bool refine_shift(float const* first, float const* second, std::int64_t ny, std::int64_t nx,
                  ImageShiftOptions const& options, ImageShift& shift);

}  // namespace tessera::kernels
