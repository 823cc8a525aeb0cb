#include "tessera/io/file_lock.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "tessera/core/error.hpp"

namespace tessera::io {

FileLock::FileLock(std::filesystem::path const& path) {
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor_ < 0) return;  // whoever needs the folder will say what is wrong with it
  // Locks of the open file description: they end with the process, and work between hosts where fcntl locks do.
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(descriptor_, F_OFD_SETLK, &lock) == 0 || (errno != EAGAIN && errno != EACCES)) return;
  ::close(descriptor_);
  throw IoError({.what = "another run is making this product",
                 .where = path.string(),
                 .remedy = "wait for it to end, or stop it, then run the same command again"});
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace tessera::io
