// ASDF files made or cut up for tests.
#pragma once
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tessera/io/asdf_document.hpp"

namespace tessera::test {

inline std::vector<std::byte> to_bytes(std::string const& text) {
  std::vector<std::byte> bytes(text.size());
  if (!text.empty()) std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

inline std::string read_text(std::filesystem::path const& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// An ASDF file with this YAML and these bytes after it.
inline std::string asdf_text(std::string const& yaml, std::string const& blocks = {}) {
  return "#ASDF 1.0.0\n#ASDF_STANDARD 1.5.0\n%YAML 1.1\n%TAG ! tag:stsci.edu:asdf/\n--- !core/asdf-1.1.0\n" + yaml +
         "...\n" + blocks;
}

inline std::string big_endian(std::uint64_t value, int count) {
  std::string text;
  for (int k = count - 1; k >= 0; --k) text += static_cast<char>(value >> (8 * k) & 0xFF);
  return text;
}

/// A block with a header that may lie about its sizes.
inline std::string asdf_block(std::string const& stored, std::string compression, std::uint64_t allocated,
                              std::uint64_t used, std::uint64_t data_size, std::uint32_t flags = 0) {
  compression.resize(4, '\0');
  return "\xD3"
         "BLK" +
         big_endian(48, 2) + big_endian(flags, 4) + compression + big_endian(allocated, 8) + big_endian(used, 8) +
         big_endian(data_size, 8) + std::string(16, '\0') + stored;
}
inline std::string asdf_block(std::string const& stored) {
  return asdf_block(stored, "", stored.size(), stored.size(), stored.size());
}

inline io::AsdfDocument parse_text(std::string const& text) {
  return io::AsdfDocument::parse(to_bytes(text), "test.asdf");
}

}  // namespace tessera::test
