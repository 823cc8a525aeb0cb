#include "tessera/exchange/loaded_exposure.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/exposure_files.hpp"
#include "support/test_files.hpp"
#include "tessera/core/dq.hpp"
#include "tessera/sky/grid_wcs.hpp"
#include "tessera/store/inventory.hpp"

namespace tessera::exchange {
namespace {

constexpr float NaN = std::numeric_limits<float>::quiet_NaN();

store::ExposureRecord examine(std::filesystem::path const& path, std::string const& weight = "") {
  std::vector<store::InputNote> notes;
  return store::examine_exposure({"ngc0628", "F300M", path.string(), weight, ""}, notes).value();
}

/// An exposure of 40 x 30 pixels with one pixel of every kind of bad.
void write_flawed(std::filesystem::path const& path) {
  std::vector<float> sci(1200, 5), err(1200, 0.5f);
  std::vector<std::uint32_t> flags(1200, 0);
  sci[41] = NaN;
  sci[42] = 0;
  err[43] = std::numeric_limits<float>::infinity();
  flags[44] = dq::DoNotUse;
  flags[45] = dq::NonScience;
  flags[46] = dq::JumpDet;
  model::Header image;
  test::set_tan(image, 40, 30, 30, 10);
  test::write_exposure(path, 40, 30, test::nircam_primary(), image,
                       {{"SCI", sci}, {"ERR", err}, {"DQ", {}, flags}, {"VAR_RNOISE", std::vector<float>(1200, 2)}});
}

std::vector<std::size_t> places(std::vector<std::uint8_t> const& mask) {
  std::vector<std::size_t> set;
  for (std::size_t k = 0; k < mask.size(); ++k)
    if (mask[k]) set.push_back(k);
  return set;
}

TEST(LoadExposure, MarksEveryKindOfBadPixel) {
  test::ScratchFolder const scratch("loaded");
  write_flawed(scratch.path() / "a_cal.fits");
  store::ExposureReader const reader(examine(scratch.path() / "a_cal.fits"), {});
  auto const loaded = load_exposure(reader, true);
  EXPECT_EQ(places(loaded.bad), (std::vector<std::size_t>{41, 42, 43, 44, 45}));
  EXPECT_EQ(loaded.sci.size(), 1200u);
  EXPECT_EQ(loaded.err.size(), 1200u);
  EXPECT_EQ(loaded.dq[45], dq::NonScience);
  EXPECT_EQ(loaded.var_rnoise, std::vector<float>(1200, 2));
  auto const as_pjpipe = load_exposure(reader, false, dq::Pjpipe121Bad);
  EXPECT_EQ(places(as_pjpipe.bad), (std::vector<std::size_t>{41, 42, 43, 44}));
  EXPECT_TRUE(as_pjpipe.var_rnoise.empty());
}

TEST(LoadExposure, AppliesTheLedger) {
  test::ScratchFolder const scratch("loaded");
  write_flawed(scratch.path() / "a_cal.fits");
  auto const record = examine(scratch.path() / "a_cal.fits");
  model::LedgerEntry level, flag;
  level.identity = flag.identity = record.identity;
  level.correction = model::LevelCorrection{2};
  flag.correction = model::RegionFlag{dq::DoNotUse};
  flag.region = {0, 0, 40, 1};
  store::write_ledger(store::ledger_path(scratch.path() / "l", 1, "level"), "level", 1, {level, flag});
  auto const loaded = load_exposure(store::ExposureReader(record, store::Ledger::open(scratch.path() / "l")), false);
  EXPECT_EQ(loaded.sci[100], 3.0f);
  EXPECT_EQ(places(loaded.bad).size(), 40u + 5u) << "0 in the file stays 0: no data";
}

TEST(LoadExposure, TakesAPlainImageByItsWeight) {
  test::ScratchFolder const scratch("loaded");
  model::Header image;
  test::set_tan(image, 20, 10, 30, 10);
  std::vector<float> weight(200, 1);
  weight[7] = 0;
  weight[8] = -1;
  weight[9] = NaN;
  test::write_exposure(scratch.path() / "a.fits", 20, 10, {}, image, {{"", std::vector<float>(200, 4)}});
  test::write_exposure(scratch.path() / "w.fits", 20, 10, {}, image, {{"", weight}});
  auto const record = examine(scratch.path() / "a.fits", (scratch.path() / "w.fits").string());
  auto const loaded = load_exposure(store::ExposureReader(record, {}), true);
  EXPECT_EQ(places(loaded.bad), (std::vector<std::size_t>{7, 8, 9}));
  EXPECT_TRUE(loaded.err.empty());
  EXPECT_TRUE(loaded.var_rnoise.empty());
}

/// The pixel grid of the exposure's own WCS, moved so that its pixel (0, 0) is pixel (x, y) of the grid.
model::SkyGrid own_grid(std::int64_t nx, std::int64_t ny, double x, double y, std::int64_t grid_nx,
                        std::int64_t grid_ny) {
  model::SkyGrid grid;
  grid.nx = grid_nx;
  grid.ny = grid_ny;
  grid.crval = {30, 10};
  grid.crpix = {static_cast<double>(nx - 1) / 2 + x, static_cast<double>(ny - 1) / 2 + y};
  grid.cdelt = {-0.1 / 3600, 0.1 / 3600};
  grid.pc = {{{1, 0}, {0, 1}}};
  return grid;
}

TEST(ReprojectExposure, BlanksBadPixelsBeforeAndAfter) {
  test::ScratchFolder const scratch("loaded");
  write_flawed(scratch.path() / "a_cal.fits");
  auto loaded = load_exposure(store::ExposureReader(examine(scratch.path() / "a_cal.fits"), {}), false);
  std::fill(loaded.bad.begin(), loaded.bad.end(), std::uint8_t{0});
  loaded.bad[15 * 40 + 20] = 1;
  for (std::size_t k = 0; k < 1200; ++k) {
    loaded.sci[k] = static_cast<float>(k % 40);
    loaded.err[k] = 2;
  }
  // a quarter of a pixel: pixel X of the grid is X - 10.25
  auto const grid = own_grid(40, 30, 10.25, 5.25, 60, 45);
  for (auto const method : {kernels::Reprojection::Interp, kernels::Reprojection::Exact}) {
    auto const cutout = reproject_exposure(loaded, grid, method);
    EXPECT_EQ(cutout.box, (model::PixelBox{10, 5, 51, 36}));
    ASSERT_EQ(cutout.value.size(), 41u * 31u);
    ASSERT_EQ(cutout.error.size(), cutout.value.size());
    int blank = 0;
    for (std::int64_t y = 8; y < 34; ++y)
      for (std::int64_t x = 12; x < 49; ++x) {
        auto const k = static_cast<std::size_t>((y - 5) * 41 + (x - 10));
        bool const is_blank = std::isnan(cutout.value[k]);
        EXPECT_EQ(is_blank, std::isnan(cutout.error[k]));
        blank += is_blank;
        // the nearest exposure pixel of (30, 20) is (20, 15)
        if (x == 30 && y == 20) {
          EXPECT_TRUE(is_blank);
        }
        if (is_blank) continue;
        ASSERT_NEAR(cutout.error[k], 2, 1e-6);
        if (method == kernels::Reprojection::Interp) {
          ASSERT_NEAR(cutout.value[k], static_cast<double>(x) - 10.25, 1e-4);
        }
      }
    EXPECT_EQ(blank, method == kernels::Reprojection::Interp ? 4 : 1);
  }
}

TEST(ReprojectExposure, IsEmptyWithoutOverlap) {
  test::ScratchFolder const scratch("loaded");
  write_flawed(scratch.path() / "a_cal.fits");
  auto const loaded = load_exposure(store::ExposureReader(examine(scratch.path() / "a_cal.fits"), {}), false);
  auto const cutout = reproject_exposure(loaded, own_grid(40, 30, 500, 5, 60, 45), kernels::Reprojection::Interp);
  EXPECT_TRUE(cutout.box.empty());
  EXPECT_TRUE(cutout.value.empty());
}

}  // namespace
}  // namespace tessera::exchange
