#include "sort_values.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace tessera::kernels {

namespace {

constexpr std::size_t ShortRun = 64;  // below, comparing is as fast as counting (measured)
/// Digits of a byte: their counts and the places they are dealt to stay in the nearest cache.
constexpr unsigned DigitBits = 8;
constexpr std::size_t Digits = sizeof(std::uint32_t), Buckets = std::size_t{1} << DigitBits;

/// Unsigned numbers in the order of the values: negative ones are turned over.
std::uint32_t to_key(float value) {
  auto const bits = std::bit_cast<std::uint32_t>(value);
  return bits ^ ((bits >> 31) != 0 ? 0xffffffffu : 0x80000000u);
}
float from_key(std::uint32_t key) { return std::bit_cast<float>(key ^ ((key >> 31) != 0 ? 0x80000000u : 0xffffffffu)); }
std::size_t digit_of(std::uint32_t key, std::size_t digit) { return (key >> (digit * DigitBits)) & (Buckets - 1); }

}  // namespace

void sort_values(std::span<double> values) { std::sort(values.begin(), values.end()); }

void sort_values(std::span<float> values) {
  auto const size = values.size();
  if (size < ShortRun) {
    std::sort(values.begin(), values.end());
    return;
  }
  auto const memory = std::make_unique_for_overwrite<std::uint32_t[]>(2 * size);
  std::uint32_t *keys = memory.get(), *other = keys + size;
  std::array<std::array<std::size_t, Buckets>, Digits> counts{};
  for (std::size_t k = 0; k < size; ++k) {
    keys[k] = to_key(values[k]);
    for (std::size_t digit = 0; digit < Digits; ++digit) ++counts[digit][digit_of(keys[k], digit)];
  }
  for (std::size_t digit = 0; digit < Digits; ++digit) {
    auto& place = counts[digit];
    if (place[digit_of(keys[0], digit)] == size) continue;  // all alike in this digit
    std::size_t next = 0;
    for (auto& count : place) next += std::exchange(count, next);
    for (std::size_t k = 0; k < size; ++k) other[place[digit_of(keys[k], digit)]++] = keys[k];
    std::swap(keys, other);
  }
  for (std::size_t k = 0; k < size; ++k) values[k] = from_key(keys[k]);
}

}  // namespace tessera::kernels
