#include "tessera/core/log.hpp"

#include <fstream>
#include <sstream>

#include "support/test_files.hpp"
#include "tessera/core/error.hpp"

using namespace tessera;

namespace {

/// What `speak` writes to standard error.
template <class Speak>
std::string heard(Speak const& speak) {
  testing::internal::CaptureStderr();
  speak();
  log::flush();
  return testing::internal::GetCapturedStderr();
}

struct RankAndLevel : testing::Test {
  ~RankAndLevel() override {
    log::set_rank(0);
    log::set_level(log::Level::Info);
  }
};
using Log = RankAndLevel;

}  // namespace

TEST_F(Log, WritesInfoOfRankZeroOnly) {
  EXPECT_NE(heard([] { log::info("{} exposures", 12); }).find("12 exposures"), std::string::npos);
  log::set_rank(3);
  EXPECT_EQ(heard([] { log::info("12 exposures"); }), "");
}

TEST_F(Log, WritesWarningsOfEveryRankWithTheRank) {
  log::set_rank(3);
  EXPECT_NE(heard([] { log::warn("low disk"); }).find("[rank 3] low disk"), std::string::npos);
  EXPECT_NE(heard([] { log::error("lost disk"); }).find("[rank 3] lost disk"), std::string::npos);
  log::set_rank(0);
  EXPECT_EQ(heard([] { log::warn("low disk"); }).find("rank"), std::string::npos);
}

TEST_F(Log, KeepsToTheLeastLevel) {
  EXPECT_EQ(heard([] { log::debug("detail"); }), "");
  log::set_level(log::Level::Debug);
  EXPECT_NE(heard([] { log::debug("detail"); }).find("detail"), std::string::npos);
  log::set_level(log::Level::Error);
  EXPECT_EQ(heard([] { log::warn("low disk"); }), "");
}

TEST_F(Log, LeavesBracesInTheTextAlone) {
  EXPECT_NE(heard([] { log::write(log::Level::Info, "a {} b"); }).find("a {} b"), std::string::npos);
}

TEST_F(Log, AppendsToAFile) {
  test::ScratchFolder const folder("core-log");
  auto const path = folder.path() / "tessera.log";
  std::ofstream(path) << "before\n";
  heard([&] {
    log::add_file(path);
    log::info("into the file");
  });
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_EQ(text.str().substr(0, 7), "before\n");
  EXPECT_NE(text.str().find("into the file"), std::string::npos);
}

TEST_F(Log, SaysWhichFileCannotBeOpened) { EXPECT_THROW(log::add_file("/proc/no/such/folder/tessera.log"), IoError); }

TEST_F(Log, ShowsNoProgressLineWhereThereIsNoTerminal) {
  EXPECT_EQ(heard([] { log::progress_line("50 %"); }), "");
}
