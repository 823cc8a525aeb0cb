#include "tessera/store/exposure_reader.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "support/exposure_files.hpp"
#include "support/test_files.hpp"
#include "tessera/core/dq.hpp"
#include "tessera/sky/correct_wcs.hpp"
#include "tessera/store/inventory.hpp"

namespace tessera::store {
namespace {

using model::Plane;

constexpr model::PlaneSet AllPlanes{Plane::Sci,       Plane::Err,     Plane::Dq, Plane::VarPoisson,
                                    Plane::VarRnoise, Plane::VarFlat, Plane::Wht};

ExposureRecord examine(std::filesystem::path const& path, std::string const& weight = "",
                       std::string const& mask = "") {
  std::vector<InputNote> notes;
  return examine_exposure({"ngc0628", "F300M", path.string(), weight, mask}, notes).value();
}

model::LedgerEntry entry_of(ExposureRecord const& record, model::Correction correction, model::PixelBox region = {}) {
  model::LedgerEntry entry;
  entry.identity = record.identity;
  entry.correction = std::move(correction);
  entry.region = region;
  return entry;
}

TEST(ExposureReader, ReadsTheRowsAndPlanesAskedFor) {
  test::ScratchFolder const scratch("reader");
  test::write_nircam(scratch.path() / "a_cal.fits", 5, 4, 30, 10);
  ExposureReader const reader(examine(scratch.path() / "a_cal.fits"), {});
  model::RowBand band;
  reader.read_rows(1, 3, {Plane::Sci, Plane::VarRnoise}, band);
  EXPECT_EQ(band.sci, (std::vector<float>{1000, 1001, 1002, 1003, 1004, 2000, 2001, 2002, 2003, 2004}));
  EXPECT_EQ(band.var_rnoise, std::vector<float>(10, 0.25f));
  EXPECT_TRUE(band.err.empty());
  EXPECT_TRUE(band.dq.empty());
  EXPECT_EQ(reader.bytes_read(), 2 * 10 * 4);
  reader.read_rows(0, 1, AllPlanes, band);
  EXPECT_EQ(band.dq, std::vector<std::uint32_t>(5, 0));
  EXPECT_EQ(band.err, std::vector<float>(5, 0.5f));
  EXPECT_TRUE(band.var_flat.empty()) << "the file has none";
}

TEST(ExposureReader, AppliesTwoStepsInDoubleAndRoundsOnce) {
  test::ScratchFolder const scratch("reader");
  test::write_nircam(scratch.path() / "a_cal.fits", 2, 2, 30, 10);
  auto const record = examine(scratch.path() / "a_cal.fits");
  // 1001 - 1e-5 - 3e-5: each step alone is lost in float32 (spacing 6.1e-5); rounding after both steps gives the next
  // value down.
  write_ledger(ledger_path(scratch.path() / "ledger", 1, "first"), "first", 1,
               {entry_of(record, model::LevelCorrection{1e-5})});
  write_ledger(ledger_path(scratch.path() / "ledger", 2, "second"), "second", 2,
               {entry_of(record, model::LevelCorrection{3e-5})});
  ASSERT_EQ(static_cast<float>(1001 - 1e-5), 1001.0f);
  ASSERT_EQ(static_cast<float>(1001 - 3e-5), 1001.0f);
  ExposureReader const reader(record, Ledger::open(scratch.path() / "ledger"));
  model::RowBand band;
  reader.read_rows(1, 2, {Plane::Sci}, band);
  EXPECT_EQ(band.sci[1], std::nextafterf(1001.0f, 0.0f));
  ExposureReader const first(record, Ledger::open(scratch.path() / "ledger", "first"));
  first.read_rows(1, 2, {Plane::Sci}, band);
  EXPECT_EQ(band.sci[1], 1001.0f);
}

TEST(ExposureReader, TheBandsDoNotChangeWhatAPixelGets) {
  test::ScratchFolder const scratch("reader");
  test::write_nircam(scratch.path() / "a_cal.fits", 7, 9, 30, 10);
  auto const record = examine(scratch.path() / "a_cal.fits");
  write_ledger(ledger_path(scratch.path(), 1, "step"), "step", 1,
               {entry_of(record, model::PlaneCorrection{0.1, 0.01, -0.02, 3, 4}),
                entry_of(record, model::FlagCorrection{16, {0x5a, 0xff, 0x01}}, {1, 2, 6, 7})});
  ExposureReader const reader(record, Ledger::open(scratch.path()));
  model::RowBand whole, band;
  reader.read_rows(0, 9, {Plane::Sci, Plane::Dq}, whole);
  for (std::int64_t y = 0; y < 9; ++y) {
    reader.read_rows(y, y + 1, {Plane::Sci, Plane::Dq}, band);
    for (std::int64_t x = 0; x < 7; ++x) {
      EXPECT_EQ(band.sci[static_cast<std::size_t>(x)], whole.sci[static_cast<std::size_t>(7 * y + x)]);
      EXPECT_EQ(band.dq[static_cast<std::size_t>(x)], whole.dq[static_cast<std::size_t>(7 * y + x)]);
    }
  }
}

TEST(ExposureReader, AWcsCorrectionMovesTheWcsAndNotTheFilesOwn) {
  test::ScratchFolder const scratch("reader");
  test::write_nircam(scratch.path() / "a_cal.fits", 64, 64, 30, 10);
  auto const record = examine(scratch.path() / "a_cal.fits");
  double const arcsec = 3.14159265358979 / 180 / 3600;
  model::WcsCorrection shift;
  shift.shift = {0.3 * arcsec, -0.2 * arcsec};
  shift.v2_ref = 30 * 3600.0;  // a WCS without V2V3: the tangent point on the sky
  shift.v3_ref = 10 * 3600.0;
  write_ledger(ledger_path(scratch.path(), 1, "align"), "align", 1, {entry_of(record, shift)});
  ExposureReader const reader(record, Ledger::open(scratch.path()));
  auto const before = reader.file_wcs()->pixel_to_sky({31.5, 31.5}), after = reader.wcs()->pixel_to_sky({31.5, 31.5});
  EXPECT_NEAR(before.ra, 30, 1e-9);
  EXPECT_NEAR((after.ra - before.ra) * std::cos(10 * 3.14159265358979 / 180) * 3600, 0.3, 1e-6);
  EXPECT_NEAR((after.dec - before.dec) * 3600, -0.2, 1e-6);
}

/// North up, 0.1 arcsec pixels about (30, 10), like the exposures, moved by (dx, dy) pixels.
model::SkyGrid grid_about(std::int64_t n, double dx, double dy) {
  model::SkyGrid grid;
  grid.nx = grid.ny = n;
  grid.crval = {30, 10};
  grid.crpix = {static_cast<double>(n - 1) / 2 + dx, static_cast<double>(n - 1) / 2 + dy};
  grid.cdelt = {-0.1 / 3600, 0.1 / 3600};
  grid.pc = {{{1, 0}, {0, 1}}};
  return grid;
}

TEST(ExposureReader, APlaneOnTheSkyStaysWhereItWasFittedWhenTheWcsMovesOn) {
  test::ScratchFolder const scratch("reader");
  model::Header image;
  test::set_tan(image, 64, 64, 30, 10);
  test::write_exposure(scratch.path() / "a_cal.fits", 64, 64, test::nircam_primary(), image,
                       {{"SCI", std::vector<float>(64 * 64, 100)}, {"DQ", {}, std::vector<std::uint32_t>(64 * 64, 0)}});
  auto const record = examine(scratch.path() / "a_cal.fits");
  double const arcsec = 3.14159265358979323846 / 180 / 3600;
  auto const shift = [&](double x, double y) {  // pixels to the east and north
    model::WcsCorrection move;
    move.shift = {0.1 * x * arcsec, 0.1 * y * arcsec};
    move.v2_ref = 30 * 3600.0;
    move.v3_ref = 10 * 3600.0;
    return move;
  };
  auto plane = entry_of(record, model::SkyPlaneCorrection{2, 0.25, -0.5, 30, 20, grid_about(80, 3, 5)});
  for (int const version : {0, 1, 2}) {
    plane.wcs_version = version;
    auto const folder = scratch.path() / std::to_string(version);
    write_ledger(ledger_path(folder, 1, "first"), "first", 1, {entry_of(record, shift(-4, 2))});
    write_ledger(ledger_path(folder, 2, "level_match"), "level_match", 2, {plane});
    write_ledger(ledger_path(folder, 3, "second"), "second", 3, {entry_of(record, shift(-1, 7))});
    ExposureReader const reader(record, Ledger::open(folder));
    model::RowBand band;
    reader.read_rows(10, 12, {Plane::Sci}, band);
    // pixel (x, y) of the exposure is pixel (x + 11, y + 13) of the grid, and moves with the sky: east is towards -x
    double const moved_x = version == 0 ? 0 : version == 1 ? 4 : 5, moved_y = version == 0 ? 0 : version == 1 ? 2 : 9;
    for (int y = 10; y < 12; ++y)
      for (int x = 0; x < 64; ++x) {
        double const X = x + 11 + moved_x, Y = y + 13 + moved_y;
        double const expected = 100 - (2 + 0.25 * (X - 30) - 0.5 * (Y - 20));
        EXPECT_NEAR(band.sci[static_cast<std::size_t>((y - 10) * 64 + x)], expected, 1e-5) << version;
      }
  }
}

TEST(ExposureReader, TheSkyLevelIsWhatIsStillInThePixels) {
  test::ScratchFolder const scratch("reader");
  auto primary = test::nircam_primary();
  primary.set("BKGLEVEL", 0.75);
  primary.set("BKGSUB", false);
  test::write_nircam(scratch.path() / "a_cal.fits", 5, 4, 30, 10, primary);
  auto const record = examine(scratch.path() / "a_cal.fits");
  EXPECT_EQ(ExposureReader(record, {}).sky_level(), 0.75);
  write_ledger(ledger_path(scratch.path() / "kept", 1, "skymatch"), "skymatch", 1,
               {entry_of(record, model::SkyCorrection{0.5, false, "global"})});
  write_ledger(ledger_path(scratch.path() / "taken", 1, "skymatch"), "skymatch", 1,
               {entry_of(record, model::SkyCorrection{0.5, true, "global"})});
  ExposureReader const kept(record, Ledger::open(scratch.path() / "kept")),
      taken(record, Ledger::open(scratch.path() / "taken"));
  EXPECT_EQ(kept.sky_level(), 0.5);
  EXPECT_EQ(taken.sky_level(), 0);
  model::RowBand band;
  kept.read_rows(1, 2, {Plane::Sci}, band);
  EXPECT_EQ(band.sci[3], 1003.0f);
  taken.read_rows(1, 2, {Plane::Sci}, band);
  EXPECT_EQ(band.sci[3], 1002.5f);
}

TEST(ExposureReader, ZerosOfTheFileAreNoDataAndStay) {
  test::ScratchFolder const scratch("reader");
  test::write_nircam(scratch.path() / "a_cal.fits", 3, 2, 30, 10);
  auto const record = examine(scratch.path() / "a_cal.fits");
  write_ledger(ledger_path(scratch.path(), 1, "level_match"), "level_match", 1,
               {entry_of(record, model::LevelCorrection{1})});
  model::RowBand band;
  ExposureReader(record, Ledger::open(scratch.path())).read_rows(0, 1, {Plane::Sci}, band);
  EXPECT_EQ(band.sci, (std::vector<float>{0, 0, 1}));
}

TEST(ExposureReader, AFileWithoutDqStillCarriesTheFlagsOfTheLedger) {
  test::ScratchFolder const scratch("reader");
  model::Header image;
  test::set_tan(image, 3, 2, 30, 10);
  test::write_exposure(scratch.path() / "a.fits", 3, 2, {}, image, {{"IMAGE", {1, 2, 3, 4, 5, 6}}});
  auto const record = examine(scratch.path() / "a.fits");
  write_ledger(ledger_path(scratch.path(), 1, "flag"), "flag", 1,
               {entry_of(record, model::RegionFlag{dq::DoNotUse}, {0, 1, 2, 2})});
  ExposureReader const reader(record, Ledger::open(scratch.path()));
  model::RowBand band;
  reader.read_rows(0, 2, {Plane::Sci, Plane::Dq}, band);
  EXPECT_EQ(band.dq, (std::vector<std::uint32_t>{0, 0, 0, 1, 1, 0}));
}

TEST(ExposureReader, PlainImagesGetWeightAndMaskFromFilesOfTheirOwn) {
  test::ScratchFolder const scratch("reader");
  model::Header image;
  test::set_tan(image, 3, 2, 30, 10);
  test::write_exposure(scratch.path() / "a.fits", 3, 2, {}, image, {{"IMAGE", {1, 2, 3, 4, 5, 6}}});
  test::write_exposure(scratch.path() / "w.fits", 3, 2, {}, {}, {{"WEIGHTS", {9, 8, 7, 6, 5, 4}}});
  test::write_exposure(scratch.path() / "m.fits", 3, 2, {}, {}, {{"BAD", {}, {0, 7, 0, 0, 4000000000u, 0}}});
  auto const record =
      examine(scratch.path() / "a.fits", (scratch.path() / "w.fits").string(), (scratch.path() / "m.fits").string());
  ExposureReader const reader(record, {});
  model::RowBand band;
  reader.read_rows(0, 2, AllPlanes, band);
  EXPECT_EQ(band.sci, (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(band.wht, (std::vector<float>{9, 8, 7, 6, 5, 4}));
  EXPECT_EQ(band.dq, (std::vector<std::uint32_t>{0, 1, 0, 0, 1, 0})) << "anything but zero is DO_NOT_USE";
}

TEST(ExposureReader, PlainImagesFindTheirWeightBesideThemAndTheirMaskWithin) {
  test::ScratchFolder const scratch("reader");
  model::Header image;
  test::set_tan(image, 2, 2, 30, 10);
  test::write_exposure(scratch.path() / "a.fits", 2, 2, {}, image,
                       {{"IMAGE", {1, 2, 3, 4}}, {"MASK", {}, {0, 1, 0, 0}}});
  test::write_exposure(scratch.path() / "a.weight.fits", 2, 2, {}, {}, {{"WHATEVER", {4, 3, 2, 1}}});
  ExposureReader const reader(examine(scratch.path() / "a.fits"), {});
  model::RowBand band;
  reader.read_rows(0, 2, AllPlanes, band);
  EXPECT_EQ(band.wht, (std::vector<float>{4, 3, 2, 1}));
  EXPECT_EQ(band.dq, (std::vector<std::uint32_t>{0, 1, 0, 0}));

  test::write_exposure(scratch.path() / "b.fits", 2, 2, {}, image, {{"IMAGE", {1, 2, 3, 4}}, {"IVM", {5, 6, 7, 8}}});
  test::write_exposure(scratch.path() / "b.weight.fits", 2, 2, {}, {}, {{"WHATEVER", {4, 3, 2, 1}}});
  ExposureReader const within(examine(scratch.path() / "b.fits"), {});
  within.read_rows(0, 2, AllPlanes, band);
  EXPECT_EQ(band.wht, (std::vector<float>{5, 6, 7, 8})) << "a plane of the file goes first";
}

}  // namespace
}  // namespace tessera::store
