#include "tessera/io/file_lock.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "support/test_files.hpp"
#include "tessera/core/error.hpp"

namespace tessera::io {
namespace {

TEST(FileLock, KeepsASecondHolderOffUntilTheFirstIsGone) {
  test::ScratchFolder const folder("file-lock");
  auto const path = folder.path() / "lock";
  std::optional<FileLock> first(path);
  EXPECT_THROW(FileLock second(path), IoError);
  first.reset();
  EXPECT_NO_THROW(FileLock second(path));
}

TEST(FileLock, LeavesAMissingFolderToOthers) { EXPECT_NO_THROW(FileLock("/nonexistent/folder/lock")); }

}  // namespace
}  // namespace tessera::io
