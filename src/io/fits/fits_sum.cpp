#include "fits_sum.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace tessera::io {

std::uint64_t FitsSum::folded(std::uint64_t sum) {
  while (sum >> 32) sum = (sum & 0xffffffffu) + (sum >> 32);
  return sum;
}

void FitsSum::add(std::span<std::byte const> bytes) {
  constexpr std::size_t WordsAtOnce = std::size_t{1} << 24;  // their plain sum stays below 2^56
  std::size_t const words = bytes.size() / 4;
  for (std::size_t first = 0; first < words; first += WordsAtOnce) {
    std::size_t const end = std::min(words, first + WordsAtOnce);
    std::uint64_t sum = 0;
    for (std::size_t i = first; i < end; ++i) {
      std::uint32_t word;
      std::memcpy(&word, bytes.data() + 4 * i, 4);
      sum += __builtin_bswap32(word);
    }
    sum_ = folded(sum_ + folded(sum));
  }
  if (bytes.size() % 4) {
    std::array<std::byte, 4> last{};
    std::copy(bytes.begin() + static_cast<std::ptrdiff_t>(4 * words), bytes.end(), last.begin());
    add(std::span<std::byte const>(last));
  }
}

std::string encode_checksum(std::uint32_t sum) {
  std::uint32_t const complement = ~sum;
  std::string characters(16, '0');
  for (int byte = 0; byte < 4; ++byte) {
    int const value = static_cast<int>((complement >> (24 - 8 * byte)) & 0xff);
    // Four characters whose offsets from '0' add up to the byte ...
    std::array<int, 4> parts{'0' + value / 4 + value % 4, '0' + value / 4, '0' + value / 4, '0' + value / 4};
    // ... moved in pairs, one up and one down, until all are letters or digits.
    auto const is_punctuation = [](int c) { return (c >= 0x3a && c <= 0x40) || (c >= 0x5b && c <= 0x60); };
    for (int pair = 0; pair < 4; pair += 2) {
      auto& up = parts[static_cast<std::size_t>(pair)];
      auto& down = parts[static_cast<std::size_t>(pair + 1)];
      while (is_punctuation(up) || is_punctuation(down)) {
        ++up;
        --down;
      }
    }
    for (int i = 0; i < 4; ++i)
      characters[static_cast<std::size_t>(4 * i + byte)] = static_cast<char>(parts[static_cast<std::size_t>(i)]);
  }
  // The value starts in the last byte of a word (column 12): turned by one so that every byte falls into its place.
  std::rotate(characters.begin(), characters.end() - 1, characters.end());
  return characters;
}

}  // namespace tessera::io
