#include <bit>
#include <cstring>

#include "tessera/io/fits_write.hpp"

namespace tessera::io {

namespace {

static_assert(std::endian::native == std::endian::little, "the byte order is turned without asking");

template <class Value>
void store_words(std::span<Value const> values, std::byte* out, std::uint32_t flip) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint32_t const word = __builtin_bswap32(std::bit_cast<std::uint32_t>(values[i]) ^ flip);
    std::memcpy(out + 4 * i, &word, sizeof word);
  }
}

}  // namespace

void to_big_endian(std::span<float const> values, std::byte* out) { store_words(values, out, 0); }
void to_big_endian(std::span<std::int32_t const> values, std::byte* out) { store_words(values, out, 0); }
// Less 2^31, modulo 2^32, is the highest bit flipped.
void to_big_endian_unsigned(std::span<std::uint32_t const> values, std::byte* out) {
  store_words(values, out, 0x80000000u);
}

}  // namespace tessera::io
