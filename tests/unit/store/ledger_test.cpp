#include "tessera/store/ledger.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "support/test_files.hpp"
#include "tessera/core/dq.hpp"
#include "tessera/core/error.hpp"

namespace tessera::store {
namespace {

using model::Half;
using model::LedgerEntry;

LedgerEntry entry_for(std::string const& exposure, model::Correction correction, model::PixelBox region = {},
                      Half half = Half::Whole) {
  LedgerEntry entry;
  entry.identity = {"ngc0628", "F300M", exposure, half};
  entry.correction = std::move(correction);
  entry.region = region;
  entry.wcs_version = 2;
  entry.made_from = "hash of " + exposure;
  return entry;
}

class LedgerFiles : public testing::Test {
 protected:
  void write(int order, std::string const& step, std::vector<LedgerEntry> const& entries) {
    write_ledger(ledger_path(folder_, order, step), step, order, entries);
  }
  test::ScratchFolder scratch_{"ledger"};
  std::filesystem::path folder_ = scratch_.path() / "ledger" / "F300M";
};

model::ExposureIdentity const One{"ngc0628", "F300M", "one", Half::Whole};

TEST_F(LedgerFiles, EveryKindOfCorrectionReadsBackTheSame) {
  model::StripeCorrection stripes;
  stripes.direction = model::StripeCorrection::Direction::Columns;
  stripes.bounds = {0, 512, 1024};
  stripes.profile = {{0.5f, -1.25f, 3}, {7, 8, 9}};
  model::WcsCorrection const wcs{{{{1.0 + 1e-12, 2e-5}, {-2e-5, 1.0}}}, {1e-8, -3e-9}, 120.5, -500.25, 0.1};
  write(3, "all_kinds",
        {entry_for("one", model::LevelCorrection{0.1}, {1, 2, 3, 4}),
         entry_for("one", model::PlaneCorrection{1, 2, 3, 4, 5}), entry_for("one", stripes),
         entry_for("one", model::FlagCorrection{dq::Outlier | dq::ReferencePixel, {1, 2, 255}}, {0, 0, 8, 3}),
         entry_for("one", model::RegionFlag{dq::ReferencePixel}), entry_for("one", wcs)});

  auto const entries = Ledger::open(folder_).entries(One);
  ASSERT_EQ(entries.size(), 6u);
  for (auto const& entry : entries) {
    EXPECT_EQ(entry.identity, One);
    EXPECT_EQ(entry.step, "all_kinds");
    EXPECT_EQ(entry.order, 3);
    EXPECT_EQ(entry.wcs_version, 2);
    EXPECT_EQ(entry.made_from, "hash of one");
  }
  EXPECT_EQ(std::get<model::LevelCorrection>(entries[0].correction).level, 0.1);
  EXPECT_EQ(entries[0].region, (model::PixelBox{1, 2, 3, 4}));
  auto const plane = std::get<model::PlaneCorrection>(entries[1].correction);
  EXPECT_EQ((std::vector{plane.level, plane.slope_x, plane.slope_y, plane.x0, plane.y0}),
            (std::vector<double>{1, 2, 3, 4, 5}));
  EXPECT_TRUE(entries[1].region.empty());
  auto const striped = std::get<model::StripeCorrection>(entries[2].correction);
  EXPECT_EQ(striped.direction, stripes.direction);
  EXPECT_EQ(striped.bounds, stripes.bounds);
  EXPECT_EQ(striped.profile, stripes.profile);
  auto const flags = std::get<model::FlagCorrection>(entries[3].correction);
  EXPECT_EQ(flags.bits, dq::Outlier | dq::ReferencePixel);
  EXPECT_EQ(flags.mask, (std::vector<std::uint8_t>{1, 2, 255}));
  EXPECT_EQ(std::get<model::RegionFlag>(entries[4].correction).bits, dq::ReferencePixel);
  auto const moved = std::get<model::WcsCorrection>(entries[5].correction);
  EXPECT_EQ(moved.matrix, wcs.matrix);
  EXPECT_EQ(moved.shift, wcs.shift);
  EXPECT_EQ((std::vector{moved.v2_ref, moved.v3_ref, moved.roll_ref}), (std::vector{120.5, -500.25, 0.1}));
}

TEST_F(LedgerFiles, RowStripesKeepTheirDirection) {
  write(1, "destripe",
        {entry_for("one", model::StripeCorrection{model::StripeCorrection::Direction::Rows, {0, 4}, {{1, 2}}})});
  auto const entries = Ledger::open(folder_).entries(One);
  EXPECT_EQ(std::get<model::StripeCorrection>(entries.at(0).correction).direction,
            model::StripeCorrection::Direction::Rows);
}

TEST_F(LedgerFiles, StepsApplyInOrderAndEntriesInTheOrderGiven) {
  write(10, "late", {entry_for("one", model::LevelCorrection{4})});
  write(2, "early",
        {entry_for("one", model::LevelCorrection{1}), entry_for("two", model::LevelCorrection{2}),
         entry_for("one", model::LevelCorrection{3})});
  auto const ledger = Ledger::open(folder_);
  EXPECT_EQ(ledger.steps(), (std::vector<std::string>{"early", "late"}));
  std::vector<double> levels;
  for (auto const& entry : ledger.entries(One))
    levels.push_back(std::get<model::LevelCorrection>(entry.correction).level);
  EXPECT_EQ(levels, (std::vector<double>{1, 3, 4}));
}

TEST_F(LedgerFiles, HalvesOfAnExposureHaveEntriesOfTheirOwn) {
  write(1, "split",
        {entry_for("one", model::RegionFlag{1}, {0, 0, 5, 5}, Half::Imager),
         entry_for("one", model::RegionFlag{1}, {5, 0, 9, 5}, Half::Lyot)});
  auto const ledger = Ledger::open(folder_);
  EXPECT_TRUE(ledger.entries(One).empty());
  EXPECT_EQ(ledger.entries({"ngc0628", "F300M", "one", Half::Imager}).at(0).region.x1, 5);
  EXPECT_EQ(ledger.entries({"ngc0628", "F300M", "one", Half::Lyot}).at(0).region.x0, 5);
}

TEST_F(LedgerFiles, OpenUpToAStepLeavesLaterOnesOut) {
  write(1, "early", {entry_for("one", model::LevelCorrection{1})});
  write(2, "late", {entry_for("one", model::LevelCorrection{2})});
  EXPECT_EQ(Ledger::open(folder_, "early").entries(One).size(), 1u);
  EXPECT_EQ(Ledger::open(folder_, "late").entries(One).size(), 2u);
  EXPECT_TRUE(Ledger::open(folder_, "none").entries(One).empty());
  EXPECT_TRUE(Ledger::open(folder_, "none").hash().empty());
  try {
    Ledger::open(folder_, "erly");
    FAIL();
  } catch (InputError const& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean 'early'"), std::string::npos) << error.what();
  }
}

TEST_F(LedgerFiles, AFolderThatDoesNotExistIsAnEmptyLedger) {
  auto const ledger = Ledger::open(folder_ / "nowhere");
  EXPECT_TRUE(ledger.steps().empty());
  EXPECT_TRUE(ledger.entries(One).empty());
  EXPECT_EQ(ledger.hash(), "");
}

TEST_F(LedgerFiles, AHalfWrittenFileIsNotThere) {
  write(1, "early", {entry_for("one", model::LevelCorrection{1})});
  std::ofstream(folder_ / "02_late.h5.part") << "half";
  EXPECT_EQ(Ledger::open(folder_).steps(), (std::vector<std::string>{"early"}));
}

TEST_F(LedgerFiles, TheHashIsOfWhatTheEntriesSay) {
  write(1, "early", {entry_for("one", model::LevelCorrection{1})});
  auto const before = Ledger::open(folder_).hash();
  EXPECT_EQ(before.size(), 64u);
  write(1, "early", {entry_for("one", model::LevelCorrection{1})});
  EXPECT_EQ(Ledger::open(folder_).hash(), before) << "the same entries written again";
  write(1, "early", {entry_for("one", model::LevelCorrection{1.0000000001})});
  EXPECT_NE(Ledger::open(folder_).hash(), before);
}

TEST_F(LedgerFiles, AListingTellsOtherRanksTheSame) {
  write(1, "early", {entry_for("one", model::LevelCorrection{1})});
  write(2, "late", {entry_for("one", model::LevelCorrection{2})});
  auto const ledger = Ledger::open(folder_), copy = Ledger::from_listing(ledger.listing());
  EXPECT_EQ(copy.steps(), ledger.steps());
  EXPECT_EQ(copy.hash(), ledger.hash());
  EXPECT_EQ(copy.entries(One).size(), 2u);
  EXPECT_TRUE(Ledger::from_listing(Ledger().listing()).steps().empty());
}

}  // namespace
}  // namespace tessera::store
