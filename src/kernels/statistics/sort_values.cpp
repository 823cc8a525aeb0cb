#include "sort_values.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

namespace tessera::kernels {

namespace {

constexpr std::size_t ShortRun = 2048;  // below, comparing is faster than counting (measured)
constexpr unsigned DigitBits = 11, Digits = 3;
constexpr std::size_t Buckets = std::size_t{1} << DigitBits;

/// Unsigned numbers in the order of the values: negative ones are turned over.
std::uint32_t to_key(float value) {
  auto const bits = std::bit_cast<std::uint32_t>(value);
  return bits ^ ((bits >> 31) != 0 ? 0xffffffffu : 0x80000000u);
}
float from_key(std::uint32_t key) { return std::bit_cast<float>(key ^ ((key >> 31) != 0 ? 0x80000000u : 0xffffffffu)); }
std::size_t digit_of(std::uint32_t key, unsigned digit) { return (key >> (digit * DigitBits)) & (Buckets - 1); }

}  // namespace

void sort_values(std::span<double> values) { std::sort(values.begin(), values.end()); }

void sort_values(std::span<float> values) {
  if (values.size() < ShortRun) {
    std::sort(values.begin(), values.end());
    return;
  }
  std::vector<std::uint32_t> keys(values.size()), other(values.size());
  std::array<std::vector<std::size_t>, Digits> counts;
  for (auto& count : counts) count.assign(Buckets, 0);
  for (std::size_t k = 0; k < values.size(); ++k) {
    keys[k] = to_key(values[k]);
    for (unsigned digit = 0; digit < Digits; ++digit) ++counts[digit][digit_of(keys[k], digit)];
  }
  for (unsigned digit = 0; digit < Digits; ++digit) {
    auto& place = counts[digit];
    if (place[digit_of(keys.front(), digit)] == keys.size()) continue;  // all alike in this digit
    std::size_t next = 0;
    for (auto& count : place) next += std::exchange(count, next);
    for (std::uint32_t const key : keys) other[place[digit_of(key, digit)]++] = key;
    keys.swap(other);
  }
  for (std::size_t k = 0; k < values.size(); ++k) values[k] = from_key(keys[k]);
}

}  // namespace tessera::kernels
