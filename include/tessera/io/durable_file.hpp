// Files that are whole or not there: written beside their final name, synced, renamed.
#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace tessera::io {

/// Writes a file and commits it. A failure (IoError) leaves no half-written file.
void write_file(std::filesystem::path const& path, std::span<std::byte const> bytes);
void write_file(std::filesystem::path const& path, std::string const& text);

/// Makes the contents of a file that was written elsewhere durable. IoError.
void sync_file(std::filesystem::path const& path);

/// Renames a complete, synced file to its final name and makes the folder entry durable. IoError.
void commit_file(std::filesystem::path const& from, std::filesystem::path const& to);

/// Adds text at the end of a file (made if absent) and syncs it. IoError.
void append_durably(std::filesystem::path const& path, std::string const& text);

}  // namespace tessera::io
