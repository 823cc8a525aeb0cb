// The journal of finished items: over runs, ranks, kills and other work.
#include "tessera/store/item_journal.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "support/test_files.hpp"

namespace tessera::store {
namespace {

std::vector<std::byte> bytes_of(std::string const& text) {
  auto const bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

class ItemJournalTest : public testing::Test {
 protected:
  ItemJournal open(std::string const& key = "key", int rank = 0) const {
    ItemJournal journal(folder_, key, rank);
    journal.read();
    return journal;
  }
  std::filesystem::path only_file() const { return std::filesystem::directory_iterator(folder_)->path(); }

  test::ScratchFolder scratch_{"item_journal"};
  std::filesystem::path folder_ = scratch_.path() / "step.journal";
};

TEST_F(ItemJournalTest, IsEmptyWhereNothingWasDone) {
  EXPECT_EQ(open().size(), 0u);
  EXPECT_FALSE(std::filesystem::exists(folder_)) << "looking makes no folder";
}

TEST_F(ItemJournalTest, GivesBackWhatAnEarlierRunFinishedOnAnyRank) {
  {
    auto first = open(), second = open("key", 1);
    first.append("pair 1 2", bytes_of(std::string("\0\n zero", 7)));
    second.append("an exposure", {});
    first.append("pair 1 3", bytes_of("more"));
    EXPECT_TRUE(first.has("pair 1 2"));
    EXPECT_EQ(first.load("pair 1 3"), bytes_of("more"));
  }
  auto const journal = open("key", 7);
  EXPECT_EQ(journal.size(), 3u);
  EXPECT_EQ(journal.load("pair 1 2"), bytes_of(std::string("\0\n zero", 7)));
  EXPECT_TRUE(journal.load("an exposure").empty());
  ItemJournal told(folder_, "key", 3);
  told.take_listing(journal.listing());
  EXPECT_EQ(told.load("pair 1 3"), bytes_of("more"));
}

TEST_F(ItemJournalTest, OtherWorkDoesNotCount) {
  open("old").append("item", bytes_of("old"));
  EXPECT_FALSE(open("new").has("item"));
  open("new").append("item", bytes_of("new"));
  EXPECT_EQ(open("new").load("item"), bytes_of("new"));
}

TEST_F(ItemJournalTest, TheLaterOfTwoCounts) {
  auto journal = open();
  journal.append("item", bytes_of("1"));
  journal.append("item", bytes_of("22"));
  EXPECT_EQ(journal.load("item"), bytes_of("22"));
  EXPECT_EQ(open().load("item"), bytes_of("22"));
}

TEST_F(ItemJournalTest, AnItemCutOffAnywhereDoesNotCountAndTheOthersDo) {
  {
    auto journal = open();
    journal.append("whole", bytes_of("payload"));
    journal.append("cut", bytes_of("another payload"));
  }
  auto const file = only_file();
  auto const size = std::filesystem::file_size(file);
  std::uintmax_t const first = size - (size - 7 - 5 - 15 - 3) / 2;  // somewhere in the second item
  for (auto length = size - 1; length > first; length -= 5) {
    std::filesystem::resize_file(file, length);
    auto const journal = open();
    EXPECT_TRUE(journal.has("whole")) << length;
    EXPECT_FALSE(journal.has("cut")) << length;
  }
  auto journal = open();
  journal.append("after", bytes_of("x"));
  EXPECT_TRUE(open().has("after")) << "a run after a kill writes where it can be read";
  EXPECT_TRUE(open().has("whole"));
}

TEST_F(ItemJournalTest, AChangedByteIsNoticed) {
  open().append("item", bytes_of("payload"));
  {
    std::fstream stream(only_file(), std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(-2, std::ios::end);
    stream.put('?');
  }
  EXPECT_FALSE(open().has("item"));
}

TEST_F(ItemJournalTest, RemoveLeavesNothing) {
  auto journal = open();
  journal.append("item", bytes_of("x"));
  journal.remove();
  EXPECT_FALSE(std::filesystem::exists(folder_));
}

}  // namespace
}  // namespace tessera::store
