// Ascending order of finite floating-point values.
#pragma once
#include <span>

namespace tessera::kernels {

/// Sorts; no value may be NaN or -0. Long runs of float32 go by radix: a few passes whatever the values.
void sort_values(std::span<float> values);
void sort_values(std::span<double> values);

}  // namespace tessera::kernels
