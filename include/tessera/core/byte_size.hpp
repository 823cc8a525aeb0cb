// Sizes in bytes as people write and read them.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace tessera {

/// "512M", "1.5G", "2GB", "2 GiB", "1073741824" -> bytes. Powers of 1024, as Slurm counts; letter case and blanks do
/// not matter. Throws ConfigError.
std::int64_t parse_bytes(std::string_view text);

/// 1610612736 -> "1.50 GB" (powers of 1024).
std::string format_bytes(std::int64_t bytes);

}  // namespace tessera
