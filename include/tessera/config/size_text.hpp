// Sizes people write: "4 GB".
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tessera::config {

/// Bytes of "4 GB", "512MB", "1.5 TiB", "1000" (bytes). kB, MB, GB, TB are powers of 1000; KiB, MiB, GiB, TiB of 1024;
/// letter case and blanks do not matter. Nothing when the text is no size.
std::optional<std::int64_t> parse_size(std::string_view text);

}  // namespace tessera::config
