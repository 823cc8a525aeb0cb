#include "tessera/store/export_exposure.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "support/exposure_files.hpp"
#include "support/test_files.hpp"
#include "tessera/core/dq.hpp"
#include "tessera/io/asdf_document.hpp"
#include "tessera/io/asdf_wcs.hpp"
#include "tessera/sky/correct_wcs.hpp"
#include "tessera/sky/fits_wcs.hpp"
#include "tessera/sky/footprint.hpp"
#include "tessera/store/inventory.hpp"

namespace tessera::store {
namespace {

using model::Plane;

constexpr std::int64_t Side = 2048;

ExposureRecord examine(std::filesystem::path const& path) {
  std::vector<InputNote> notes;
  return examine_exposure({"ngc0628", "F300M", path.string(), "", ""}, notes).value();
}

std::vector<float> read_floats(io::FitsFile const& file, char const* name) {
  auto const& hdu = file.require(name);
  std::vector<float> values(static_cast<std::size_t>(hdu.nx() * hdu.ny()));
  file.read_rows(hdu, 0, hdu.ny(), values.data());
  return values;
}

TEST(ExportExposure, WritesCorrectedPixelsBlankWhereFlagged) {
  test::ScratchFolder const scratch("export");
  test::write_nircam(scratch.path() / "a_cal.fits", 6, 4, 30, 10);
  auto const record = examine(scratch.path() / "a_cal.fits");
  model::LedgerEntry level, flag, warn;
  level.identity = flag.identity = warn.identity = record.identity;
  level.correction = model::LevelCorrection{0.5};
  flag.correction = model::RegionFlag{dq::DoNotUse | dq::Outlier};
  flag.region = {1, 1, 3, 2};
  warn.correction = model::RegionFlag{dq::JumpDet};
  warn.region = {5, 3, 6, 4};
  write_ledger(ledger_path(scratch.path() / "ledger", 1, "match"), "match", 1, {level});
  write_ledger(ledger_path(scratch.path() / "ledger", 2, "outliers"), "outliers", 2, {flag, warn});
  auto const out = scratch.path() / "out" / "deep" / exported_name(record.identity, "cal");
  EXPECT_EQ(out.filename(), "a_cal.fits");
  export_exposure(ExposureReader(record, Ledger::open(scratch.path() / "ledger")), out);

  auto const file = io::FitsFile::open(out);
  std::vector<std::string> names;
  for (auto const& hdu : file.hdus()) names.push_back(hdu.extname);
  EXPECT_EQ(names, (std::vector<std::string>{"PRIMARY", "SCI", "DQ", "ERR", "VAR_RNOISE"}));
  auto const sci = read_floats(file, "SCI"), err = read_floats(file, "ERR"), variance = read_floats(file, "VAR_RNOISE");
  std::vector<std::uint32_t> dq(24);
  file.read_rows(file.require("DQ"), 0, 4, dq.data());
  for (std::size_t k = 0; k < 24; ++k) {
    bool const flagged = k == 7 || k == 8;
    EXPECT_EQ(dq[k], flagged ? 17u : k == 23 ? 4u : 0u) << k;
    EXPECT_EQ(std::isnan(sci[k]), flagged) << k;
    EXPECT_EQ(std::isnan(err[k]), flagged) << k;
    EXPECT_EQ(std::isnan(variance[k]), flagged) << k;
    if (!flagged && k > 0) {
      EXPECT_EQ(sci[k], static_cast<float>(k / 6 * 1000 + k % 6) - 0.5f);
    }
  }
  auto const& primary = file.hdus().front().header;
  EXPECT_EQ(primary.text("FILENAME"), "a_cal.fits");
  EXPECT_EQ(primary.text("FILTER"), "F300M");
  std::string history;
  for (auto const& card : primary.cards())
    if (card.keyword() == "HISTORY") history += card.text.substr(8);
  EXPECT_NE(history.find("level by match"), std::string::npos) << history;
  EXPECT_NE(history.find("region flags by outliers"), std::string::npos) << history;
}

TEST(ExportExposure, SaysInTheHeaderWhatLevelMatchAndSkymatchDid) {
  test::ScratchFolder const scratch("export");
  auto primary_in = test::nircam_primary();
  primary_in.set("BKGLEVEL", 9.0);
  primary_in.set("BKGSUB", false);
  test::write_nircam(scratch.path() / "a_cal.fits", 6, 4, 30, 10, primary_in);
  auto const record = examine(scratch.path() / "a_cal.fits");
  auto const entry = [&](model::Correction correction, model::PixelBox region = {}) {
    model::LedgerEntry made;
    made.identity = record.identity;
    made.correction = std::move(correction);
    made.region = region;
    return made;
  };
  model::SkyGrid grid;
  grid.nx = grid.ny = 10;
  grid.crval = {30, 10};
  grid.cdelt = {-1e-4, 1e-4};
  grid.pc = {{{1, 0}, {0, 1}}};
  auto const header_with = [&](std::string const& name, std::vector<model::LedgerEntry> const& matched,
                               std::vector<model::LedgerEntry> const& sky) {
    auto const folder = scratch.path() / name;
    if (!matched.empty()) write_ledger(ledger_path(folder, 1, "level_match"), "level_match", 1, matched);
    if (!sky.empty()) write_ledger(ledger_path(folder, 2, "skymatch"), "skymatch", 2, sky);
    export_exposure(ExposureReader(record, Ledger::open(folder)), folder / "a_cal.fits");
    return io::FitsFile::open(folder / "a_cal.fits").hdus().front().header;
  };

  // two levels over the middle of the exposure, a third beside it
  auto const levels =
      header_with("levels",
                  {entry(model::LevelCorrection{0.5}), entry(model::LevelCorrection{0.25}, {2, 1, 6, 4}),
                   entry(model::LevelCorrection{7}, {0, 0, 2, 1})},
                  {entry(model::SkyCorrection{0.125, false, "global"})});
  EXPECT_EQ(levels.real("LVLMATCH"), 0.75);
  EXPECT_FALSE(levels.real("LVLM_C"));
  EXPECT_EQ(levels.real("BKGLEVEL"), 0.125);
  EXPECT_EQ(levels.logical("BKGSUB"), false);
  EXPECT_EQ(levels.text("BKGMETH"), "global");
  EXPECT_EQ(levels.text("S_SKYMAT"), "COMPLETE");
  EXPECT_FALSE(levels.text("S_OUTLIR"));

  auto const planes = header_with(
      "planes", {entry(model::LevelCorrection{0.5}), entry(model::SkyPlaneCorrection{1, 0.25, -0.125, 5, 5, grid})},
      {entry(model::SkyCorrection{0.125, true, "local"})});
  EXPECT_FALSE(planes.real("LVLMATCH"));
  EXPECT_EQ(planes.real("LVLM_A"), 0.25);
  EXPECT_EQ(planes.real("LVLM_B"), -0.125);
  EXPECT_EQ(planes.real("LVLM_C"), 1.5);
  EXPECT_EQ(planes.logical("BKGSUB"), true);

  auto const plain = header_with("none", {}, {});
  EXPECT_EQ(plain.real("BKGLEVEL"), 9.0);
  EXPECT_FALSE(plain.real("LVLMATCH"));
  EXPECT_FALSE(plain.text("S_SKYMAT"));

  auto const folder = scratch.path() / "outliers";
  write_ledger(ledger_path(folder, 3, "outlier_detection"), "outlier_detection", 3,
               {entry(model::RegionFlag{dq::Outlier | dq::DoNotUse}, {0, 0, 1, 1})});
  export_exposure(ExposureReader(record, Ledger::open(folder)), folder / "a_crf.fits");
  EXPECT_EQ(io::FitsFile::open(folder / "a_crf.fits").hdus().front().header.text("S_OUTLIR"), "COMPLETE");
}

TEST(ExportExposure, IsNotCorrectedASecondTimeWhenReadBack) {
  test::ScratchFolder const scratch("export");
  test::write_nircam(scratch.path() / "a_cal.fits", 3, 3, 30, 10);
  auto const record = examine(scratch.path() / "a_cal.fits");
  model::LedgerEntry level;
  level.identity = record.identity;
  level.correction = model::LevelCorrection{0.5};
  write_ledger(ledger_path(scratch.path() / "ledger", 1, "match"), "match", 1, {level});
  auto const ledger = Ledger::open(scratch.path() / "ledger");
  export_exposure(ExposureReader(record, ledger), scratch.path() / "out" / "a_cal.fits");
  auto const again = examine(scratch.path() / "out" / "a_cal.fits");
  EXPECT_EQ(again.identity, record.identity);
  ExposureReader const reader(again, ledger);
  model::RowBand band;
  reader.read_rows(0, 1, {Plane::Sci}, band);
  EXPECT_EQ(band.sci, (std::vector<float>{0, 0.5f, 1.5f})) << "0 in a file is no data and stays 0";
}

/// A NIRCam exposure with a real gwcs, the ledger shifting and turning it: the exported gwcs, SIP and S_REGION must
/// agree.
TEST(ExportExposure, GwcsSipAndOutlineAgreeAfterAWcsCorrection) {
  SKIP_WITHOUT_SHARED("data/wcs/nircamwcs.asdf");
  test::ScratchFolder const scratch("export-wcs");
  auto const asdf_path = test::shared_dir() / "data/wcs/nircamwcs.asdf";
  std::ifstream stream(asdf_path, std::ios::binary);
  std::string const text{std::istreambuf_iterator<char>(stream), {}};
  std::vector<std::byte> bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  auto const document = io::AsdfDocument::parse(bytes, asdf_path.string());
  auto const gwcs = io::read_wcs(document, document.find("wcs") ? "wcs" : "meta.wcs");
  auto const path = scratch.path() / "a_cal.fits";
  model::Header image;
  test::set_tan(image, Side, Side, 30, 10);  // wrong on purpose: the gwcs counts
  test::write_exposure(path, Side, Side, test::nircam_primary(), image, {{"SCI", std::vector<float>(Side * Side, 1)}},
                       gwcs.get());
  auto const record = examine(path);
  ASSERT_TRUE(record.has_gwcs);

  auto const plane = sky::correction_plane(*gwcs, {Side / 2.0, Side / 2.0});
  double const arcsec = 3.14159265358979 / 180 / 3600, turn = 1e-4;
  model::LedgerEntry entry;
  entry.identity = record.identity;
  entry.correction = model::WcsCorrection{{{{std::cos(turn), -std::sin(turn)}, {std::sin(turn), std::cos(turn)}}},
                                          {0.4 * arcsec, -0.7 * arcsec},
                                          plane.v2_ref,
                                          plane.v3_ref,
                                          plane.roll_ref};
  write_ledger(ledger_path(scratch.path() / "ledger", 1, "align"), "align", 1, {entry});
  ExposureReader const reader(record, Ledger::open(scratch.path() / "ledger"));
  auto const out = scratch.path() / "out_cal.fits";
  export_exposure(reader, out);

  auto const file = io::FitsFile::open(out);
  auto const& sci = file.require("SCI");
  auto const sip = sky::make_fits_wcs(sci.header, Side, Side);
  auto const exported = read_file_wcs(file, sci, true);
  EXPECT_NE(sip->description().find("SIP"), std::string::npos) << sip->description();
  double largest = 0, moved = 0;
  for (int j = 0; j <= 16; ++j)
    for (int i = 0; i <= 16; ++i) {
      model::PixelPoint const p{i * (Side - 1) / 16.0, j * (Side - 1) / 16.0};
      auto const sky = exported->pixel_to_sky(p), wanted = reader.wcs()->pixel_to_sky(p),
                 before = gwcs->pixel_to_sky(p);
      EXPECT_NEAR(sky.ra, wanted.ra, 1e-10);
      EXPECT_NEAR(sky.dec, wanted.dec, 1e-10);
      // On the sky: the inverse a gwcs stores is itself good to some hundredths of a pixel only.
      auto const from_sip = sip->pixel_to_sky(p);
      double const x = (from_sip.ra - sky.ra) * std::cos(sky.dec * 3.14159265358979 / 180), y = from_sip.dec - sky.dec;
      largest = std::max(largest, std::hypot(x, y) / record.native_scale_deg);
      moved = std::max(moved, std::abs(sky.dec - before.dec) * 3600);
    }
  EXPECT_LT(largest, 0.01) << "pixels";
  EXPECT_GT(moved, 0.5) << "arcsec: the correction is in";
  auto const outlines = sky::parse_s_region(sci.header.text("S_REGION").value());
  auto const corners = sky::footprint(*exported, Side, Side);
  ASSERT_EQ(outlines.size(), 1u);
  ASSERT_EQ(outlines[0].size(), corners.size());
  for (std::size_t k = 0; k < corners.size(); ++k) {
    EXPECT_NEAR(outlines[0][k].ra, corners[k].ra, 1e-9);
    EXPECT_NEAR(outlines[0][k].dec, corners[k].dec, 1e-9);
  }
}

TEST(ExportExposure, APlainImageKeepsItsOwnWcsCards) {
  test::ScratchFolder const scratch("export");
  model::Header image;
  test::set_tan(image, 5, 4, 30, 10);
  test::write_exposure(scratch.path() / "a.fits", 5, 4, {}, image,
                       {{"IMAGE", std::vector<float>(20, 7)}, {"WHT", std::vector<float>(20, 2)}});
  auto const record = examine(scratch.path() / "a.fits");
  export_exposure(ExposureReader(record, {}), scratch.path() / "out.fits");
  auto const file = io::FitsFile::open(scratch.path() / "out.fits");
  auto const& sci = file.require("SCI").header;
  EXPECT_EQ(sci.text("CTYPE1"), "RA---TAN");
  EXPECT_EQ(sci.real("CD2_2"), image.real("CD2_2"));
  EXPECT_EQ(read_floats(file, "WHT"), std::vector<float>(20, 2));
}

TEST(ExportedName, NamesHalvesAsPjpipeDoes) {
  EXPECT_EQ(exported_name({"t", "b", "jw1_mirimage", model::Half::Imager}, "cal"), "jw1_mirimages_cal.fits");
  EXPECT_EQ(exported_name({"t", "b", "jw1_mirimage", model::Half::Lyot}, "cal"), "jw1_mirimagel_cal.fits");
}

}  // namespace
}  // namespace tessera::store
