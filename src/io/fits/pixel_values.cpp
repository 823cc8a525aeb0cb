#include "pixel_values.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "tessera/core/contract.hpp"

namespace tessera::io {

static_assert(std::endian::native == std::endian::little, "the byte order is turned without asking");

namespace {

std::uint8_t turned(std::uint8_t word) { return word; }
std::uint16_t turned(std::uint16_t word) { return __builtin_bswap16(word); }
std::uint32_t turned(std::uint32_t word) { return __builtin_bswap32(word); }
std::uint64_t turned(std::uint64_t word) { return __builtin_bswap64(word); }

template <std::size_t Bytes>
using Word = std::conditional_t<
    Bytes == 1, std::uint8_t,
    std::conditional_t<Bytes == 2, std::uint16_t, std::conditional_t<Bytes == 4, std::uint32_t, std::uint64_t>>>;

template <class Stored>
Stored load(std::byte const* stored, std::size_t index) {
  Word<sizeof(Stored)> word;
  std::memcpy(&word, stored + index * sizeof(Stored), sizeof word);
  return std::bit_cast<Stored>(turned(word));
}

/// Calls `use` with a value of the stored type.
template <class Use>
auto with_stored_type(int bitpix, Use use) {
  switch (bitpix) {
    case 8:
      return use(std::uint8_t{});
    case 16:
      return use(std::int16_t{});
    case 32:
      return use(std::int32_t{});
    case 64:
      return use(std::int64_t{});
    case -32:
      return use(float{});
    default:
      break;
  }
  TESSERA_EXPECT(bitpix == -64);
  return use(double{});
}

}  // namespace

bool PixelFormat::is_whole() const {
  return bitpix > 0 && bscale == 1 && std::trunc(bzero) == bzero && std::abs(bzero) <= 9223372036854775808.0;
}

void swap_words(std::span<std::byte> words, std::uint32_t flip) {
  std::byte* const bytes = words.data();
  std::size_t const count = words.size() / 4;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t word;
    std::memcpy(&word, bytes + 4 * i, 4);
    word = turned(word) ^ flip;
    std::memcpy(bytes + 4 * i, &word, 4);
  }
}

void decode_pixels(PixelFormat const& format, std::byte const* stored, std::span<float> out) {
  constexpr float NoData = std::numeric_limits<float>::quiet_NaN();
  double const scale = format.bscale, zero = format.bzero;
  bool const scaled = scale != 1 || zero != 0;
  with_stored_type(format.bitpix, [&](auto sample) {
    using Stored = decltype(sample);
    std::size_t const count = out.size();
    if (!scaled) {
      for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<float>(load<Stored>(stored, i));
    } else {
      for (std::size_t i = 0; i < count; ++i)
        out[i] = static_cast<float>(zero + scale * static_cast<double>(load<Stored>(stored, i)));
    }
    if constexpr (std::is_integral_v<Stored>) {
      if (!format.blank) return;
      for (std::size_t i = 0; i < count; ++i)
        if (load<Stored>(stored, i) == *format.blank) out[i] = NoData;
    }
  });
}

bool decode_pixels(PixelFormat const& format, std::byte const* stored, std::span<std::uint32_t> out) {
  TESSERA_EXPECT(format.is_whole());
  // 2^63 is the zero of unsigned 64-bit integers; modulo 2^64 it is the same as the value asked for.
  std::uint64_t const zero = format.bzero == 9223372036854775808.0
                                 ? std::uint64_t{1} << 63
                                 : static_cast<std::uint64_t>(static_cast<std::int64_t>(format.bzero));
  bool const unsigned_64 = format.bitpix == 64 && zero == std::uint64_t{1} << 63;
  return with_stored_type(format.bitpix, [&](auto sample) {
    using Stored = decltype(sample);
    bool fits = true;
    if constexpr (std::is_integral_v<Stored>) {
      for (std::size_t i = 0; i < out.size(); ++i) {
        auto const value = static_cast<std::uint64_t>(static_cast<std::int64_t>(load<Stored>(stored, i))) + zero;
        auto const as_signed = static_cast<std::int64_t>(value);
        fits &= unsigned_64 ? value <= UINT32_MAX : as_signed >= INT32_MIN && as_signed <= std::int64_t{UINT32_MAX};
        out[i] = static_cast<std::uint32_t>(value);
      }
    }
    return fits;
  });
}

}  // namespace tessera::io
