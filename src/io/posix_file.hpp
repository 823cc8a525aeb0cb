// A file descriptor with an owner, whole reads and writes, and the commit of a file written beside its final name.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace tessera::io {

/// An open file. All failures carry the path and the system's words.
class PosixFile {
 public:
  PosixFile() = default;
  /// Throws InputError: missing, a folder, not to be read.
  static PosixFile open_for_reading(std::filesystem::path const& path);
  /// An existing file, to write into. Throws IoError.
  static PosixFile open_for_writing(std::filesystem::path const& path);
  /// New and empty (an old one of that name is cut to nothing). Throws IoError.
  static PosixFile create(std::filesystem::path const& path);
  PosixFile(PosixFile&& other) noexcept;
  PosixFile& operator=(PosixFile&& other) noexcept;
  ~PosixFile();

  std::filesystem::path const& path() const { return path_; }
  std::int64_t size() const;

  /// Reads until `out` is full or the file ends; returns the bytes read. Throws IoError.
  std::size_t read_at(std::int64_t offset, std::span<std::byte> out) const;
  /// Reads all of `out`; a file that ends before (it shrank since it was opened) is an IoError.
  void read_exactly(std::int64_t offset, std::span<std::byte> out) const;
  /// Throws IoError ("no space left" says what to do).
  void write_at(std::int64_t offset, std::span<std::byte const> bytes);
  /// Gives the file its full size at once, filled with zeros, so that a full disk is said before any work. IoError.
  void reserve(std::int64_t bytes);
  void sync();
  /// Closes and reports what closing finds out (quota errors on network file systems). Throws IoError.
  void close();

 private:
  PosixFile(int descriptor, std::filesystem::path path) : descriptor_(descriptor), path_(std::move(path)) {}
  int descriptor_ = -1;
  std::filesystem::path path_;
};

/// Where a file lies until it is complete: "PATH.part", in the same folder.
std::filesystem::path unfinished_path(std::filesystem::path const& path);

}  // namespace tessera::io
