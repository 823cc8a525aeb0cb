// The checksum of the FITS standard (4.0, section 4.4.2.7 and appendix J): ones-complement sums of 32-bit words.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace tessera::io {

/// Ones-complement sum of big-endian 32-bit words; missing bytes of the last word count as zero. Sums of parts that
/// begin at multiples of 4 bytes may be added in any order: the result is the same. 0 only if all words are.
class FitsSum {
 public:
  void add(std::span<std::byte const> bytes);
  void add(std::uint32_t sum) { sum_ = folded(sum_ + sum); }
  std::uint32_t value() const { return static_cast<std::uint32_t>(sum_); }

  /// A plain sum of fewer than 2^31 such sums, brought back to 32 bits.
  static std::uint64_t folded(std::uint64_t sum);

 private:
  std::uint64_t sum_ = 0;  ///< always below 2^32
};

/// The 16 characters that, as the value of CHECKSUM (columns 12 to 27), make an HDU sum up to all ones, where it summed
/// up to `sum` with 16 zeros there.
std::string encode_checksum(std::uint32_t sum);

}  // namespace tessera::io
