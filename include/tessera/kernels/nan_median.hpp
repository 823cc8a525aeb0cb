// Medians of stacks of images with holes.
#pragma once
#include <cstdint>

namespace tessera::kernels {

/// out[k] = median over d of planes[d][k] without NaN, 0 <= d < depth, 0 <= k < count: the mean of the two middle ones
/// for an even number (taken in float32), NaN of none. Serial.
void nan_median(float const* const* planes, std::int64_t depth, std::int64_t count, float* out);

}  // namespace tessera::kernels
