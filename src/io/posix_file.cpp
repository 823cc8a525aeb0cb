#include "posix_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "tessera/core/error.hpp"
#include "tessera/io/durable_file.hpp"

namespace tessera::io {

namespace {

constexpr std::size_t LargestTransfer = std::size_t{1} << 30;  // the kernel moves at most 2 GB a call

[[noreturn]] void fail_writing(std::filesystem::path const& path, std::string const& action, int error) {
  std::string remedy = "check the file system and run the same command again";
  if (error == ENOSPC || error == EDQUOT)
    remedy = "free some space or quota there, or write elsewhere; then run the same command again";
  if (error == EFBIG) remedy = "raise the file size limit (ulimit -f) or write elsewhere";
  if (error == ENOENT) remedy = "make the folder " + path.parent_path().string() + " first";
  if (error == EACCES || error == EROFS || error == EPERM) remedy = "write to a folder that you may write to";
  throw IoError({"could not " + action, path.string(), "", std::strerror(error), remedy});
}

int open_retrying(std::filesystem::path const& path, int flags) {
  int descriptor = -1;
  do descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
  while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

}  // namespace

PosixFile PosixFile::open_for_reading(std::filesystem::path const& path) {
  int const descriptor = open_retrying(path, O_RDONLY | O_NONBLOCK);  // or opening a pipe would wait for a writer
  if (descriptor < 0) {
    int const error = errno;
    if (error == ENOENT || error == ENOTDIR)
      throw InputError({"no such file", path.string(), "", "", "check the path"});
    throw InputError(
        {"cannot be opened", path.string(), "a readable file", std::strerror(error), "check its permissions"});
  }
  PosixFile file(descriptor, path);
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) fail_writing(path, "ask for the size", errno);
  if (S_ISDIR(status.st_mode)) throw InputError({"is a folder", path.string(), "a file", "", "give the file itself"});
  if (!S_ISREG(status.st_mode))
    throw InputError(
        {"is no ordinary file", path.string(), "a file on disk", "a device or pipe", "copy it to a file first"});
  return file;
}

PosixFile PosixFile::open_for_writing(std::filesystem::path const& path) {
  int const descriptor = open_retrying(path, O_RDWR);
  if (descriptor < 0) fail_writing(path, "open for writing", errno);
  return {descriptor, path};
}

PosixFile PosixFile::create(std::filesystem::path const& path) {
  int const descriptor = open_retrying(path, O_RDWR | O_CREAT | O_TRUNC);
  if (descriptor < 0) fail_writing(path, "create", errno);
  return {descriptor, path};
}

PosixFile::PosixFile(PosixFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

PosixFile& PosixFile::operator=(PosixFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(path_, other.path_);
  return *this;
}

PosixFile::~PosixFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::int64_t PosixFile::size() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0)
    throw IoError({"could not ask for the size", path_.string(), "", std::strerror(errno), ""});
  return status.st_size;
}

std::size_t PosixFile::read_at(std::int64_t offset, std::span<std::byte> out) const {
  std::size_t done = 0;
  while (done < out.size()) {
    auto const count = ::pread(descriptor_, out.data() + done, std::min(out.size() - done, LargestTransfer),
                               offset + static_cast<std::int64_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw IoError({"could not read", path_.string(), "", std::strerror(errno), "check the file system"});
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

void PosixFile::read_exactly(std::int64_t offset, std::span<std::byte> out) const {
  auto const found = read_at(offset, out);
  if (found != out.size())
    throw IoError({"the file shrank while it was read", path_.string(),
                   std::to_string(out.size()) + " bytes at " + std::to_string(offset), std::to_string(found) + " bytes",
                   "do not change inputs during a run"});
}

void PosixFile::write_at(std::int64_t offset, std::span<std::byte const> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    auto const count = ::pwrite(descriptor_, bytes.data() + done, std::min(bytes.size() - done, LargestTransfer),
                                offset + static_cast<std::int64_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_writing(path_, "write", errno);
    done += static_cast<std::size_t>(count);
  }
}

void PosixFile::reserve(std::int64_t bytes) {
  if (bytes == 0) return;
  auto const action = fmt::format("make room for {} bytes", bytes);
  // fallocate(2), not posix_fallocate: where the file system cannot, the latter writes a byte into every block.
  int result = 0;
  do result = ::fallocate(descriptor_, 0, 0, bytes);
  while (result != 0 && errno == EINTR);
  if (result == 0) return;
  if (errno != EOPNOTSUPP && errno != ENOSYS) fail_writing(path_, action, errno);
  struct statvfs space {};
  if (::fstatvfs(descriptor_, &space) == 0 &&
      static_cast<double>(space.f_bavail) * static_cast<double>(space.f_frsize) < static_cast<double>(bytes))
    fail_writing(path_, action, ENOSPC);
  if (::ftruncate(descriptor_, bytes) != 0) fail_writing(path_, action, errno);
}

void PosixFile::sync() {
  if (::fsync(descriptor_) != 0) fail_writing(path_, "bring to disk", errno);
}

void PosixFile::close() {
  if (::close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR) fail_writing(path_, "close", errno);
}

std::filesystem::path unfinished_path(std::filesystem::path const& path) {
  auto unfinished = path;
  unfinished += ".part";
  return unfinished;
}

void commit_file(std::filesystem::path const& from, std::filesystem::path const& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) fail_writing(to, "rename the complete file", errno);
  auto const folder = to.has_parent_path() ? to.parent_path() : std::filesystem::path(".");
  int const descriptor = open_retrying(folder, O_RDONLY | O_DIRECTORY);
  if (descriptor < 0) return;  // a folder we may write to but not read: the rename itself stands
  int const result = ::fsync(descriptor);
  int const error = errno;
  ::close(descriptor);
  // Some network file systems cannot sync a folder and say EINVAL; the rename itself stands.
  if (result != 0 && error != EINVAL && error != EROFS && error != ENOTSUP)
    fail_writing(folder, "bring to disk", error);
}

}  // namespace tessera::io
