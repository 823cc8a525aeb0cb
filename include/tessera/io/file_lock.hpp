// Keeping two jobs off the same product.
#pragma once
#include <filesystem>

namespace tessera::io {

/// An advisory lock on a file, made if absent, held until the end of its life or of the process, however that comes.
/// Throws IoError when another process holds it. A file system without locks is taken as it is: nothing is kept off.
class FileLock {
 public:
  explicit FileLock(std::filesystem::path const& path);
  ~FileLock();
  FileLock(FileLock const&) = delete;
  FileLock& operator=(FileLock const&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace tessera::io
