#include "scratch_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/checksum.hpp"

namespace tessera::io {

namespace {

constexpr std::int64_t SampledEnd = 64 * 1024;

/// A name no other process has, on any host.
std::string own_suffix() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  auto const now = std::chrono::steady_clock::now().time_since_epoch().count();
  return fmt::format(".{}.{}.{}.part", host.data(), ::getpid(), now);
}

}  // namespace

std::filesystem::path shared_scratch_file(std::filesystem::path const& scratch, std::string const& name,
                                          std::function<void(PosixFile&)> const& fill) {
  auto path = scratch / name;
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) return path;
  std::error_code failed;
  std::filesystem::create_directories(scratch, failed);
  if (failed)
    throw IoError({"could not make the scratch folder", scratch.string(), "", failed.message(),
                   "set TESSERA_SCRATCH to a folder that you may write to"});
  auto own = path;
  own += own_suffix();
  try {
    auto file = PosixFile::create(own);
    fill(file);
    file.close();
    std::filesystem::rename(own, path);
  } catch (IoError const& error) {
    std::filesystem::remove(own, ignored);
    Problem problem = error.problem();
    problem.remedy = "set TESSERA_SCRATCH to a folder with more room: " + problem.remedy;
    throw IoError(problem);
  } catch (...) {
    std::filesystem::remove(own, ignored);
    throw;
  }
  return path;
}

std::string content_name(PosixFile const& file, std::int64_t offset, std::int64_t bytes, std::string const& salt) {
  Sha256 hash;
  std::string const head = salt + "\n" + std::to_string(bytes) + "\n";
  hash.update(std::as_bytes(std::span(head)));
  std::vector<std::byte> sample(static_cast<std::size_t>(std::min(bytes, SampledEnd)));
  file.read_exactly(offset, sample);
  hash.update(sample);
  file.read_exactly(offset + bytes - static_cast<std::int64_t>(sample.size()), sample);
  hash.update(sample);
  return hash.hex();
}

}  // namespace tessera::io
