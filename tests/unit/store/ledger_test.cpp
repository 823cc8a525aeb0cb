#include "tessera/store/ledger.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <thread>

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
  model::SkyPlaneCorrection plane_on_sky{1, 2, 3, 4, 5, {}};
  plane_on_sky.grid.nx = 7;
  plane_on_sky.grid.ny = 9;
  plane_on_sky.grid.crpix = {1.5, 2.5};
  plane_on_sky.grid.crval = {10.1, -20.2};
  plane_on_sky.grid.cdelt = {-1e-5, 1.1e-5};
  plane_on_sky.grid.pc = {{{0.8, -0.6}, {0.6, 0.8}}};
  write(3, "all_kinds",
        {entry_for("one", model::LevelCorrection{0.1}, {1, 2, 3, 4}),
         entry_for("one", model::PlaneCorrection{1, 2, 3, 4, 5}), entry_for("one", stripes),
         entry_for("one", model::FlagCorrection{dq::Outlier | dq::ReferencePixel, {1, 2, 255}}, {0, 0, 8, 3}),
         entry_for("one", model::RegionFlag{dq::ReferencePixel}), entry_for("one", wcs), entry_for("one", plane_on_sky),
         entry_for("one", model::SkyCorrection{-0.25, true, "global+match"})});

  auto const entries = Ledger::open(folder_).entries(One);
  ASSERT_EQ(entries.size(), 8u);
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
  auto const on_sky = std::get<model::SkyPlaneCorrection>(entries[6].correction);
  EXPECT_EQ((std::vector{on_sky.level, on_sky.slope_x, on_sky.slope_y, on_sky.x_ref, on_sky.y_ref}),
            (std::vector<double>{1, 2, 3, 4, 5}));
  EXPECT_TRUE(on_sky.grid == plane_on_sky.grid);
  auto const sky = std::get<model::SkyCorrection>(entries[7].correction);
  EXPECT_EQ(sky.level, -0.25);
  EXPECT_TRUE(sky.subtract);
  EXPECT_EQ(sky.method, "global+match");
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

TEST_F(LedgerFiles, AHalfSeesTheEntriesOfTheWholeAndItsOwn) {
  write(1, "before", {entry_for("one", model::LevelCorrection{1})});
  write(2, "lyot_separate",
        {entry_for("one", model::RegionFlag{513}, {0, 735, 290, 1024}, Half::Imager),
         entry_for("one", model::RegionFlag{513}, {0, 0, 1032, 735}, Half::Lyot),
         entry_for("one", model::RegionFlag{513}, {290, 735, 1032, 1024}, Half::Lyot)});
  write(3, "level_match",
        {entry_for("one", model::LevelCorrection{2}, {}, Half::Lyot),
         entry_for("one", model::LevelCorrection{3}, {}, Half::Imager)});
  auto const ledger = Ledger::open(folder_);
  auto const imager = ledger.entries({"ngc0628", "F300M", "one", Half::Imager});
  ASSERT_EQ(imager.size(), 3u);
  EXPECT_EQ(std::get<model::LevelCorrection>(imager[0].correction).level, 1);
  EXPECT_EQ(imager[1].region, (model::PixelBox{0, 735, 290, 1024}));
  EXPECT_EQ(std::get<model::LevelCorrection>(imager[2].correction).level, 3);
  auto const lyot = ledger.entries({"ngc0628", "F300M", "one", Half::Lyot});
  ASSERT_EQ(lyot.size(), 4u);
  EXPECT_EQ(std::get<model::LevelCorrection>(lyot[3].correction).level, 2);
  EXPECT_EQ(lyot[3].identity.half, Half::Lyot);
}

TEST_F(LedgerFiles, TheWholeSeesWhatItsHalvesWereGivenEachOnItsSide) {
  model::WcsCorrection move;
  write(1, "lyot_separate",
        {entry_for("one", model::RegionFlag{513}, {0, 735, 290, 1024}, Half::Imager),
         entry_for("one", model::RegionFlag{513}, {0, 0, 1032, 735}, Half::Lyot)});
  write(2, "level_match",
        {entry_for("one", model::LevelCorrection{2}, {}, Half::Lyot),
         entry_for("one", model::LevelCorrection{3}, {}, Half::Imager),
         entry_for("one", model::LevelCorrection{4}, {280, 700, 300, 800}, Half::Lyot),
         entry_for("one", move, {}, Half::Lyot), entry_for("one", move, {}, Half::Imager),
         entry_for("one", model::SkyCorrection{1, false, "local"}, {}, Half::Lyot),
         entry_for("one", model::LevelCorrection{5})});
  auto const entries = Ledger::open(folder_).entries(One);
  std::vector<std::pair<double, model::PixelBox>> levels;
  int moves = 0;
  for (auto const& entry : entries) {
    EXPECT_FALSE(std::holds_alternative<model::RegionFlag>(entry.correction)) << "the split is undone";
    EXPECT_FALSE(std::holds_alternative<model::SkyCorrection>(entry.correction));
    moves += std::holds_alternative<model::WcsCorrection>(entry.correction);
    if (auto const* level = std::get_if<model::LevelCorrection>(&entry.correction))
      levels.emplace_back(level->level, entry.region);
  }
  EXPECT_EQ(moves, 1);
  EXPECT_EQ(levels, (std::vector<std::pair<double, model::PixelBox>>{{2, {0, 735, 290, 1024}},
                                                                     {3, {0, 0, 1032, 735}},
                                                                     {3, {290, 735, 1032, 1024}},
                                                                     {4, {280, 735, 290, 800}},
                                                                     {5, {}}}));
}

TEST_F(LedgerFiles, EqualEntriesGiveEqualBytesAtAnyTime) {
  std::vector<LedgerEntry> const entries{entry_for("one", model::LevelCorrection{1}),
                                         entry_for("two", model::FlagCorrection{1, {1, 2, 3}}, {0, 0, 8, 3}),
                                         entry_for("two", model::SkyCorrection{1, true, "global"})};
  write(1, "early", entries);
  auto const bytes = [&] {
    std::ifstream stream(ledger_path(folder_, 1, "early"), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  };
  auto const before = bytes();
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // HDF5 counts time in seconds
  write(1, "early", entries);
  EXPECT_EQ(bytes(), before);
}

TEST_F(LedgerFiles, WritesEntriesOneByOneAndLeavesNothingUncommitted) {
  auto const path = ledger_path(folder_, 1, "early");
  {
    LedgerWriter writer(path, "early", 1);
    writer.add(entry_for("one", model::LevelCorrection{1}));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
  LedgerWriter writer(path, "early", 1);
  writer.add(entry_for("one", model::LevelCorrection{1}));
  writer.add(entry_for("one", model::LevelCorrection{2}));
  writer.commit();
  EXPECT_EQ(Ledger::open(folder_).entries(One).size(), 2u);
}

TEST_F(LedgerFiles, TakesTheFilesItIsGivenAndLeavesOutThoseNotWrittenYet) {
  write(1, "early", {entry_for("one", model::LevelCorrection{1})});
  write(3, "late", {entry_for("one", model::LevelCorrection{3})});
  write(4, "old", {entry_for("one", model::LevelCorrection{4})});
  auto const ledger = Ledger::of({{"early", ledger_path(folder_, 1, "early")},
                                  {"middle", ledger_path(folder_, 2, "middle")},
                                  {"late", ledger_path(folder_, 3, "late")}});
  EXPECT_EQ(ledger.steps(), (std::vector<std::string>{"early"}))
      << "what was measured after a missing step does not count";
  EXPECT_EQ(ledger.entries(One).size(), 1u);
  EXPECT_EQ(ledger.hash(), Ledger::open(folder_, "early").hash());
  EXPECT_EQ(Ledger::of({}).hash(), "");
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
