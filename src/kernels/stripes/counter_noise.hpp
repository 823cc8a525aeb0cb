// Random numbers that are a function of a seed and a place, in any order.
#pragma once
#include <cmath>
#include <cstdint>
#include <numbers>

namespace tessera::kernels {

/// SplitMix64 (Steele, Lea, Flood 2014) at place `index` of its sequence.
inline std::uint64_t random_bits(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t z = seed + (index + 1) * 0x9E3779B97F4A7C15ull;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

/// Between 0 and 1, never either.
inline double random_fraction(std::uint64_t seed, std::uint64_t index) {
  return (static_cast<double>(random_bits(seed, index) >> 11) + 0.5) * 0x1p-53;
}

/// Normal deviate number `index` (Box and Muller).
inline double normal_deviate(std::uint64_t seed, std::uint64_t index) {
  return std::sqrt(-2 * std::log(random_fraction(seed, 2 * index))) *
         std::cos(2 * std::numbers::pi * random_fraction(seed, 2 * index + 1));
}

}  // namespace tessera::kernels
