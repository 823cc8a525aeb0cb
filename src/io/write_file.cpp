#include "posix_file.hpp"
#include "tessera/io/fits_write.hpp"

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

}  // namespace tessera::io
