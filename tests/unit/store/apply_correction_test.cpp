// Each kind of correction on a band of 4 x 2 pixels, worked out by hand.
#include <gtest/gtest.h>

#include "tessera/core/dq.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::store {
namespace {

using model::LedgerEntry;
using model::StripeCorrection;

/// Rows 10 and 11 of an exposure four pixels wide; SCI is 100 everywhere, DQ 4.
struct Band {
  Band() {
    rows.nx = 4;
    rows.y0 = 10;
    rows.y1 = 12;
    rows.dq.assign(8, dq::JumpDet);
  }
  void apply(model::Correction correction, model::PixelBox region = {}) {
    LedgerEntry entry;
    entry.correction = std::move(correction);
    entry.region = region;
    apply_correction(entry, rows, sci);
  }
  model::RowBand rows;
  std::vector<double> sci = std::vector<double>(8, 100.0);
};

using Values = std::vector<double>;
using Flags = std::vector<std::uint32_t>;

TEST(ApplyCorrection, SubtractsALevelFromTheWholeExposure) {
  Band band;
  band.apply(model::LevelCorrection{1.5});
  EXPECT_EQ(band.sci, Values(8, 98.5));
}

TEST(ApplyCorrection, SubtractsALevelFromItsRegionAlone) {
  Band band;
  band.apply(model::LevelCorrection{1}, {1, 0, 3, 11});
  EXPECT_EQ(band.sci, (Values{100, 99, 99, 100, 100, 100, 100, 100}));
}

TEST(ApplyCorrection, SubtractsAPlaneAboutItsOwnOrigin) {
  Band band;
  band.apply(model::PlaneCorrection{2, 0.5, 10, 1, 10});  // 2 + 0.5 (x - 1) + 10 (y - 10)
  EXPECT_EQ(band.sci, (Values{98.5, 98, 97.5, 97, 88.5, 88, 87.5, 87}));
}

TEST(ApplyCorrection, SubtractsRowStripesAmplifierByAmplifier) {
  Band band;
  StripeCorrection stripes;
  stripes.direction = StripeCorrection::Direction::Rows;
  stripes.bounds = {0, 1, 4};  // amplifiers of one and of three columns
  stripes.profile = {std::vector<float>(20, 0), std::vector<float>(20, 0)};
  stripes.profile[0][10] = 1;
  stripes.profile[0][11] = 2;
  stripes.profile[1][10] = 30;
  stripes.profile[1][11] = 40;
  band.apply(stripes);
  EXPECT_EQ(band.sci, (Values{99, 70, 70, 70, 98, 60, 60, 60}));
}

TEST(ApplyCorrection, SubtractsColumnStripesBelowAndAboveAnAmplifierEdge) {
  Band band;
  StripeCorrection stripes;
  stripes.direction = StripeCorrection::Direction::Columns;
  stripes.bounds = {0, 11, 20};  // row 10 belongs to the first, row 11 to the second
  stripes.profile = {{1, 2, 3, 4}, {10, 20, 30, 40}};
  band.apply(stripes);
  EXPECT_EQ(band.sci, (Values{99, 98, 97, 96, 90, 80, 70, 60}));
}

TEST(ApplyCorrection, FlagsBitsRowMajorOverTheRegionLowestBitFirst) {
  Band band;
  // A region of 3 x 3 at (1, 9): bits 0..2 are row 9 (outside the band), 3..5 row 10, 6..8 row 11.
  band.apply(model::FlagCorrection{dq::Outlier | dq::DoNotUse, {0b01001000, 0b1}}, {1, 9, 4, 12});
  std::uint32_t const j = dq::JumpDet, f = dq::JumpDet | dq::Outlier | dq::DoNotUse;
  EXPECT_EQ(band.rows.dq, (Flags{j, f, j, j, j, f, j, f}));
  EXPECT_EQ(band.sci, Values(8, 100.0));
}

TEST(ApplyCorrection, FlagsOverTheWholeExposureCountFromItsFirstRow) {
  Band band;
  std::vector<std::uint8_t> mask(6, 0);  // 4 x 12 pixels
  mask[5] = 0b00100001;                  // pixels 40 and 45: (0, 10) and (1, 11)
  band.apply(model::FlagCorrection{dq::Outlier, mask});
  std::uint32_t const j = dq::JumpDet, f = j | dq::Outlier;
  EXPECT_EQ(band.rows.dq, (Flags{f, j, j, j, j, f, j, j}));
}

TEST(ApplyCorrection, FlagsARegion) {
  Band band;
  band.apply(model::RegionFlag{dq::NonScience}, {2, 0, 9, 11});
  std::uint32_t const j = dq::JumpDet, f = j | dq::NonScience;
  EXPECT_EQ(band.rows.dq, (Flags{j, j, f, f, j, j, j, j}));
}

TEST(ApplyCorrection, LeavesPlanesThatWereNotReadAlone) {
  Band band;
  band.sci.clear();
  band.rows.dq.clear();
  band.apply(model::LevelCorrection{1});
  band.apply(model::RegionFlag{1});
  band.apply(model::WcsCorrection{});
  EXPECT_TRUE(band.sci.empty());
  EXPECT_TRUE(band.rows.dq.empty());
}

}  // namespace
}  // namespace tessera::store
