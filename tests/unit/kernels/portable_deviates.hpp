// The generator that the vectors of spec 40 are made with.
#pragma once
#include <cstdint>
#include <vector>

namespace tessera::test {

/// s <- (1664525 s + 1013904223) mod 2^32; uniform u = s / 2^32; deviate = (sum of twelve u) - 6.
class PortableDeviates {
 public:
  explicit PortableDeviates(std::uint32_t seed) : state_(seed) {}
  double uniform() {
    state_ = 1664525u * state_ + 1013904223u;
    return static_cast<double>(state_) / 4294967296.0;
  }
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
