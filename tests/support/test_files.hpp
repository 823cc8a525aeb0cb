// Where tests find their files, and a scratch folder that goes away.
#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace tessera::test {

/// tests/data of the source tree: vectors and files that we made.
std::filesystem::path data_dir();

/// ../shared: third-party files. Use SKIP_WITHOUT_SHARED before it.
std::filesystem::path shared_dir();
bool has_shared(std::string const& relative);

/// The parsed JSON of tests/data/vectors/NAME.
nlohmann::json read_vector(std::string const& name);

/// A fresh folder, removed at the end. The same on all ranks when `name` is the same (rank 0 makes and removes it).
class ScratchFolder {
 public:
  explicit ScratchFolder(std::string const& name);
  ~ScratchFolder();
  ScratchFolder(ScratchFolder const&) = delete;
  ScratchFolder& operator=(ScratchFolder const&) = delete;
  std::filesystem::path const& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace tessera::test

/// Skips the test, saying which file is absent, where the shared third-party files are not there.
#define SKIP_WITHOUT_SHARED(relative)       \
  if (!tessera::test::has_shared(relative)) \
  GTEST_SKIP() << "needs " << (tessera::test::shared_dir() / (relative)).string() << ", which is absent"
