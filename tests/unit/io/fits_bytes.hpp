// FITS files written by hand, card by card, for tests: what the reader is judged by does not come from our writer.
#pragma once
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <vector>

namespace tessera::io::test {

inline std::string padded(std::string text, std::size_t unit, char fill) {
  text.resize((text.size() + unit - 1) / unit * unit, fill);
  return text;
}

inline std::string header_of(std::vector<std::string> const& cards) {
  std::string text;
  for (auto const& card : cards) text += padded(card, 80, ' ');
  return padded(text + padded("END", 80, ' '), 2880, ' ');
}

inline std::string integer_card(std::string const& keyword, long long value) {
  std::string card = padded(keyword, 8, ' ') + "= ";
  std::string const number = std::to_string(value);
  return card + (number.size() < 20 ? std::string(20 - number.size(), ' ') : "") + number;
}

/// Header of a primary image with these axes and more cards.
inline std::string primary_header(int bitpix, std::vector<long long> const& axes,
                                  std::vector<std::string> const& more = {}) {
  std::vector<std::string> cards{"SIMPLE  =                    T", integer_card("BITPIX", bitpix),
                                 integer_card("NAXIS", static_cast<long long>(axes.size()))};
  for (std::size_t i = 0; i < axes.size(); ++i) cards.push_back(integer_card("NAXIS" + std::to_string(i + 1), axes[i]));
  cards.insert(cards.end(), more.begin(), more.end());
  return header_of(cards);
}

inline std::string extension_header(std::string const& name, int bitpix, std::vector<long long> const& axes,
                                    std::vector<std::string> const& more = {}) {
  std::vector<std::string> cards{"XTENSION= 'IMAGE   '", integer_card("BITPIX", bitpix),
                                 integer_card("NAXIS", static_cast<long long>(axes.size()))};
  for (std::size_t i = 0; i < axes.size(); ++i) cards.push_back(integer_card("NAXIS" + std::to_string(i + 1), axes[i]));
  cards.push_back(integer_card("PCOUNT", 0));
  cards.push_back(integer_card("GCOUNT", 1));
  cards.push_back("EXTNAME = '" + name + "'");
  cards.insert(cards.end(), more.begin(), more.end());
  return header_of(cards);
}

/// Big-endian bytes of the low `size` bytes of each value.
inline std::string words(int size, std::initializer_list<std::int64_t> values) {
  std::string bytes;
  for (auto const value : values)
    for (int byte = size - 1; byte >= 0; --byte) bytes += static_cast<char>((value >> (8 * byte)) & 0xff);
  return bytes;
}

inline void write_bytes(std::filesystem::path const& path, std::string const& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string read_bytes(std::filesystem::path const& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace tessera::io::test
