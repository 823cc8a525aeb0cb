// Gzip-compressed files: recognised by content, unpacked to scratch.
#pragma once
#include <filesystem>

#include "../posix_file.hpp"

namespace tessera::io {

bool is_gzip(PosixFile const& file);

/// Path of the unpacked copy in `scratch`. Its name comes from the compressed file's size and its first and last 64 KB
/// (which hold the CRC-32 of the content). Throws InputError for a damaged or truncated stream, IoError for scratch.
std::filesystem::path unpack_gzip(PosixFile const& file, std::filesystem::path const& scratch);

}  // namespace tessera::io
