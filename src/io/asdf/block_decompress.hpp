// Decompression of ASDF blocks.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tessera::io {

/// The `data_size` bytes that `stored` holds under "zlib", "bzp2" or "lz4". Memory grows with what really comes out,
/// never with what the header claims. Throws InputError (file, node path) when the result has another size or the data
/// are broken.
std::vector<std::byte> decompress_block(std::string const& compression, std::span<std::byte const> stored,
                                        std::uint64_t data_size, std::string const& file, std::string const& path);

}  // namespace tessera::io
