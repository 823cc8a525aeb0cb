#include "tessera/io/durable_file.hpp"

#include <system_error>

#include "posix_file.hpp"

namespace tessera::io {

void write_file(std::filesystem::path const& path, std::span<std::byte const> bytes) {
  auto const unfinished = unfinished_path(path);
  try {
    auto file = PosixFile::create(unfinished);
    file.write_at(0, bytes);
    file.sync();
    file.close();
    commit_file(unfinished, path);
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(unfinished, ignored);
    throw;
  }
}

void write_file(std::filesystem::path const& path, std::string const& text) {
  write_file(path, std::as_bytes(std::span(text)));
}

void sync_file(std::filesystem::path const& path) { PosixFile::open_for_writing(path).sync(); }

void append_durably(std::filesystem::path const& path, std::string const& text) {
  auto file = std::filesystem::exists(path) ? PosixFile::open_for_writing(path) : PosixFile::create(path);
  file.write_at(file.size(), std::as_bytes(std::span(text)));
  file.sync();
  file.close();
}

}  // namespace tessera::io
