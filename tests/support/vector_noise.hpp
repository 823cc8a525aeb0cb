// The portable random numbers of the test vectors (spec 40, section 4).
#pragma once
#include <cstdint>
#include <vector>

namespace tessera::test {

/// s <- (1664525 s + 1013904223) mod 2^32, u = s / 2^32.
class VectorNoise {
 public:
  explicit VectorNoise(std::uint32_t seed) : state_(seed) {}
  double uniform() {
    state_ = 1664525u * state_ + 1013904223u;
    return static_cast<double>(state_) / 4294967296.0;
  }
  /// Sum of twelve uniforms less 6.
  double deviate() {
    double sum = 0;
    for (int k = 0; k < 12; ++k) sum += uniform();
    return sum - 6;
  }
  std::vector<double> deviates(std::int64_t count) {
    std::vector<double> values;
    for (std::int64_t k = 0; k < count; ++k) values.push_back(deviate());
    return values;
  }

 private:
  std::uint32_t state_;
};

}  // namespace tessera::test
