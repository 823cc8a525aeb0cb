// TOML text to Value: the one place that sees the TOML library.
#pragma once
#include <filesystem>
#include <string_view>

#include "tessera/config/value.hpp"

namespace tessera::config {

/// The table in TOML 1.0 text; `name` stands for the file in places and messages.
/// Throws ConfigError with line and column at a syntax error, a key given twice, or a date (no parameter is one).
Value parse_toml(std::string_view text, std::string_view name);

/// Same for a file. Throws ConfigError when it cannot be read.
Value read_toml(std::filesystem::path const& path);

}  // namespace tessera::config
