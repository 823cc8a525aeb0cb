#include "tessera/store/coronagraph.hpp"

#include <gtest/gtest.h>

#include <random>

namespace tessera::store {
namespace {

using model::PixelBox;

TEST(Coronagraph, BoxAndRestMakeTheWholeArray) {
  for (std::int64_t y = 0; y < MiriRows; ++y)
    for (std::int64_t x = 0; x < MiriColumns; ++x) {
      auto const holds = [&](PixelBox const& box) { return x >= box.x0 && x < box.x1 && y >= box.y0 && y < box.y1; };
      int const times = holds(CoronagraphBox) + holds(ImagerBoxes[0]) + holds(ImagerBoxes[1]);
      ASSERT_EQ(times, 1) << x << " " << y;
      ASSERT_EQ(holds(CoronagraphBox), y >= 735 && x < 290);  // spec 40, 1.8
    }
}

TEST(Coronagraph, IsOnFullMiriImagesOnly) {
  ExposureRecord record;
  record.detector = "MIRIMAGE";
  record.nx = 1032;
  record.ny = 1024;
  EXPECT_TRUE(has_coronagraph(record));
  record.ny = 512;
  EXPECT_FALSE(has_coronagraph(record));
  record.ny = 1024;
  record.detector = "NRCALONG";
  EXPECT_FALSE(has_coronagraph(record));
}

TEST(RestrictTo, CutsAMaskBitByBit) {
  std::mt19937 random(4);
  std::uniform_int_distribution<std::int64_t> place(0, 40);
  for (int trial = 0; trial < 50; ++trial) {
    std::int64_t const x0 = place(random), y0 = place(random);
    model::LedgerEntry entry;
    entry.region = {x0, y0, x0 + 1 + place(random), y0 + 1 + place(random)};
    if (trial % 5 == 0) entry.region = {};
    std::int64_t const nx = 90, ny = 90;
    PixelBox const all = entry.region.empty() ? PixelBox{0, 0, nx, ny} : entry.region;
    model::FlagCorrection flags{
        1, std::vector<std::uint8_t>(static_cast<std::size_t>(all.width() * all.height() / 8 + 1))};
    for (auto& byte : flags.mask) byte = static_cast<std::uint8_t>(random());
    entry.correction = flags;
    PixelBox const box{place(random), place(random), 50 + place(random), 50 + place(random)};
    auto const parts = restrict_to(entry, box, nx);
    auto const bit_of = [](model::LedgerEntry const& e, PixelBox const& region, std::int64_t x, std::int64_t y) {
      if (x < region.x0 || y < region.y0 || x >= region.x1 || y >= region.y1) return false;
      auto const bit = static_cast<std::size_t>((y - region.y0) * region.width() + x - region.x0);
      return ((std::get<model::FlagCorrection>(e.correction).mask.at(bit / 8) >> (bit % 8)) & 1) != 0;
    };
    for (std::int64_t y = 0; y < ny; ++y)
      for (std::int64_t x = 0; x < nx; ++x) {
        bool const is_inside = x >= box.x0 && x < box.x1 && y >= box.y0 && y < box.y1;
        bool const before = is_inside && bit_of(entry, all, x, y);
        bool const after = !parts.empty() && bit_of(parts[0], parts[0].region, x, y);
        ASSERT_EQ(before, after) << x << " " << y;
      }
  }
}

TEST(RestrictTo, LeavesNothingOfWhatLiesElsewhere) {
  model::LedgerEntry entry;
  entry.region = {300, 0, 400, 100};
  EXPECT_TRUE(restrict_to(entry, CoronagraphBox, MiriColumns).empty());
}

}  // namespace
}  // namespace tessera::store
