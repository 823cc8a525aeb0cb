#include "tessera/store/pack_entries.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "tessera/core/error.hpp"

namespace tessera::store {
namespace {

using model::LedgerEntry;

LedgerEntry entry_with(model::Correction correction) {
  LedgerEntry entry;
  entry.identity = {"ngc0628", "F770W_bgr", "jw1_mirimage", model::Half::Lyot};
  entry.step = "level_match";
  entry.order = 3;
  entry.correction = std::move(correction);
  entry.region = {1, 2, 30, 40};
  entry.wcs_version = 2;
  entry.made_from = "abc";
  return entry;
}

/// What stays the same under packing is compared by packing again: equal bytes, equal entries.
std::vector<std::byte> there_and_back(std::vector<LedgerEntry> const& entries) {
  return pack_entries(unpack_entries(pack_entries(entries)));
}

TEST(PackEntries, KeepsEveryKindOfCorrection) {
  model::SkyGrid grid;
  grid.nx = 100;
  grid.ny = 200;
  grid.crval = {1.0 / 3, -2.0 / 7};
  std::vector<LedgerEntry> const entries{
      entry_with(model::LevelCorrection{0.1}),
      entry_with(model::PlaneCorrection{1, 2, 3, 4, 5}),
      entry_with(model::StripeCorrection{
          model::StripeCorrection::Direction::Columns, {0, 512, 1024}, {{1.5f, 2.5f}, {3.5f, -0.0f}}}),
      entry_with(model::FlagCorrection{17, {0x00, 0xff, 0x81}}),
      entry_with(model::RegionFlag{513}),
      entry_with(model::WcsCorrection{{{{1, 1e-9}, {-1e-9, 1}}}, {1e-7, -2e-7}, 1, 2, 3}),
      entry_with(model::SkyPlaneCorrection{1, 2, 3, 4, 5, grid}),
      entry_with(model::SkyCorrection{0.25, true, "global"})};
  auto const back = unpack_entries(pack_entries(entries));
  ASSERT_EQ(back.size(), entries.size());
  EXPECT_EQ(there_and_back(entries), pack_entries(entries));
  for (std::size_t k = 0; k < back.size(); ++k) {
    EXPECT_EQ(back[k].correction.index(), k);
    EXPECT_EQ(back[k].identity, entries[k].identity);
    EXPECT_EQ(back[k].region, entries[k].region);
    EXPECT_EQ(back[k].wcs_version, 2);
  }
  EXPECT_EQ(std::get<model::LevelCorrection>(back[0].correction).level, 0.1);
  auto const& stripes = std::get<model::StripeCorrection>(back[2].correction);
  EXPECT_EQ(stripes.direction, model::StripeCorrection::Direction::Columns);
  EXPECT_EQ(stripes.profile[1][0], 3.5f);
  EXPECT_EQ(std::get<model::FlagCorrection>(back[3].correction).mask, (std::vector<std::uint8_t>{0x00, 0xff, 0x81}));
  EXPECT_EQ(std::get<model::WcsCorrection>(back[5].correction).matrix[0][1], 1e-9);
  EXPECT_EQ(std::get<model::SkyPlaneCorrection>(back[6].correction).grid, grid);
  EXPECT_EQ(std::get<model::SkyCorrection>(back[7].correction).method, "global");
}

TEST(PackEntries, NothingIsNothing) { EXPECT_TRUE(unpack_entries(pack_entries({})).empty()); }

TEST(PackEntries, OtherBytesAreAnError) {
  auto bytes = pack_entries({entry_with(model::RegionFlag{1})});
  bytes.resize(bytes.size() / 2);
  EXPECT_THROW(unpack_entries(bytes), InputError);
}

}  // namespace
}  // namespace tessera::store
