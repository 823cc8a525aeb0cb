// Entries of several ranks become one ledger file in catalogue order, over kills and restarts.
#include "tessera/steps/ledger_builder.hpp"

#include <gtest/gtest.h>

#include "support/test_files.hpp"
#include "tessera/io/checksum.hpp"

namespace tessera::steps {
namespace {

using model::LedgerEntry;

/// Nine exposures of one band, dealt out to the ranks.
class LedgerBuilderTest : public testing::Test {
 protected:
  LedgerBuilderTest() : control_(world_), budget_(std::int64_t{1} << 30), context_(make_context()) {
    for (int k = 0; k < 9; ++k) {
      store::ExposureRecord record;
      record.identity = {"ngc0628", "F300M", fmt::format("jw{:02d}", k), model::Half::Whole};
      records_.push_back(record);
      task_.members.push_back(k);
    }
    task_.target = "ngc0628";
    task_.band = "F300M";
    task_.step = "level_match";
    task_.order = 2;
    task_.ledger_file = folder_ / "02_level_match.h5";
    task_.scratch = folder_ / "scratch";
    task_.manifest.step = task_.step;
    task_.key = task_.manifest.key();
  }

  StepContext make_context() { return {world_, control_, budget_, records_, 0, {}, false}; }

  bool is_mine(int member) const { return member % world_.size() == world_.rank(); }
  model::ExposureIdentity const& identity(int member) const {
    return records_[static_cast<std::size_t>(member)].identity;
  }
  static std::vector<LedgerEntry> entries_of(int member) {
    LedgerEntry level, flags;
    level.correction = model::LevelCorrection{0.1 * member};
    flags.correction = model::FlagCorrection{17, std::vector<std::uint8_t>(100, static_cast<std::uint8_t>(member))};
    flags.region = {0, 0, 40, 20};
    return {level, flags};
  }
  void add_mine(LedgerBuilder& builder, int from, int to) const {
    for (int k = from; k < to; ++k)
      if (is_mine(k)) builder.add(identity(k), entries_of(k));
  }
  std::string hash() const {
    world_.barrier();
    return store::Ledger::of({{"level_match", task_.ledger_file}}).hash();
  }

  parallel::Communicator world_ = parallel::Communicator::world();
  parallel::ControlChannel control_;
  parallel::MemoryBudget budget_;
  std::vector<store::ExposureRecord> records_;
  StepContext context_;
  test::ScratchFolder scratch_{"ledger_builder"};
  std::filesystem::path folder_ = scratch_.path();
  BandTask task_;
};

TEST_F(LedgerBuilderTest, MergesInCatalogueOrderWhateverTheRanks) {
  {
    LedgerBuilder builder(context_, task_);
    for (int k = 8; k >= 0; --k) add_mine(builder, k, k + 1);
    builder.commit();
  }
  auto const ledger = store::Ledger::of({{"level_match", task_.ledger_file}});
  for (int k = 0; k < 9; ++k) {
    auto const entries = ledger.entries(identity(k));
    ASSERT_EQ(entries.size(), 2u);
    EXPECT_EQ(std::get<model::LevelCorrection>(entries[0].correction).level, 0.1 * k);
    EXPECT_EQ(entries[1].step, "level_match");
    EXPECT_EQ(entries[1].order, 2);
    EXPECT_EQ(entries[1].made_from, task_.key);
  }
  // One rank writing the same by itself gives the same bytes.
  auto const together = hash();
  auto const alone = folder_ / "alone.h5";
  if (world_.is_root()) {
    store::LedgerWriter writer(alone, "level_match", 2);
    for (int k = 0; k < 9; ++k)
      for (auto entry : entries_of(k)) {
        entry.identity = identity(k);
        entry.made_from = task_.key;
        writer.add(entry);
      }
    writer.commit();
    EXPECT_EQ(io::sha256_of_file(alone), io::sha256_of_file(task_.ledger_file));
    EXPECT_TRUE(store::read_manifest(task_.ledger_file).has_value());
    EXPECT_FALSE(std::filesystem::exists(folder_ / "02_level_match.journal"));
  }
  EXPECT_FALSE(together.empty());
}

TEST_F(LedgerBuilderTest, GoesOnWhereAnEarlierRunWasKilled) {
  {
    LedgerBuilder killed(context_, task_);
    add_mine(killed, 0, 5);
    world_.barrier();
  }
  LedgerBuilder builder(context_, task_);
  for (int k = 0; k < 9; ++k) EXPECT_EQ(builder.has(identity(k)), k < 5) << k;
  add_mine(builder, 5, 9);
  builder.commit();
  auto const ledger = store::Ledger::of({{"level_match", task_.ledger_file}});
  for (int k = 0; k < 9; ++k) EXPECT_EQ(ledger.entries(identity(k)).size(), 2u);
}

TEST_F(LedgerBuilderTest, DoesNotTakeUpOtherWork) {
  {
    LedgerBuilder killed(context_, task_);
    add_mine(killed, 0, 9);
    world_.barrier();
  }
  task_.manifest.parameters = R"({"weight_method": "rms"})";
  task_.key = task_.manifest.key();
  LedgerBuilder const builder(context_, task_);
  EXPECT_FALSE(builder.has(identity(0)));
}

TEST_F(LedgerBuilderTest, WithoutAllExposuresThereIsNoManifestAndTheNextRunStartsAfresh) {
  {
    LedgerBuilder builder(context_, task_);
    add_mine(builder, 1, 9);  // the first failed
    builder.commit();
  }
  world_.barrier();
  EXPECT_TRUE(std::filesystem::exists(task_.ledger_file));
  EXPECT_FALSE(store::read_manifest(task_.ledger_file).has_value());
  LedgerBuilder const next(context_, task_);
  EXPECT_FALSE(next.has(identity(3)));
}

}  // namespace
}  // namespace tessera::steps
