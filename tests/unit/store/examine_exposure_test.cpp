#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/exposure_files.hpp"
#include "support/test_files.hpp"
#include "tessera/core/error.hpp"
#include "tessera/store/inventory.hpp"

namespace tessera::store {
namespace {

using model::Plane;

struct Examined {
  std::optional<ExposureRecord> record;
  std::vector<InputNote> notes;
};

Examined examine(std::filesystem::path const& path) {
  Examined result;
  result.record = examine_exposure({"ngc0628", "F300M", path.string(), "", ""}, result.notes);
  return result;
}

std::string refusal(std::filesystem::path const& path) {
  try {
    examine(path);
  } catch (InputError const& error) {
    return error.what();
  }
  return "not refused";
}

bool holds(std::string const& text, std::string const& part) { return text.find(part) != std::string::npos; }

TEST(ExamineExposure, TakesIdentityTimesAndPlanesFromTheHeaders) {
  test::ScratchFolder const scratch("examine");
  auto primary = test::nircam_primary();
  for (auto const& [keyword, value] : {std::pair{"PROGRAM", "02107"},
                                       {"OBSERVTN", "041"},
                                       {"VISIT", "001"},
                                       {"VISITGRP", "02"},
                                       {"SEQ_ID", "1"},
                                       {"ACT_ID", "05"},
                                       {"EXPOSURE", "00003"}})
    primary.set(keyword, value);
  auto const path = scratch.path() / "jw02107041001_02105_00003_nrcalong_cal.fits";
  test::write_nircam(path, 40, 30, 30, 10, primary);
  auto const [record, notes] = examine(path);
  ASSERT_TRUE(record);
  EXPECT_TRUE(notes.empty());
  EXPECT_EQ(record->identity.label(), "ngc0628/F300M/jw02107041001_02105_00003_nrcalong");
  EXPECT_EQ(record->kind, ExposureKind::JwstExposure);
  EXPECT_EQ(record->group_id, "jw02107041001_02105_00003");
  EXPECT_EQ(record->nx, 40);
  EXPECT_EQ(record->ny, 30);
  EXPECT_TRUE(record->planes.has(Plane::Err) && record->planes.has(Plane::Dq) && record->planes.has(Plane::VarRnoise));
  EXPECT_FALSE(record->planes.has(Plane::VarFlat) || record->planes.has(Plane::Wht));
  EXPECT_EQ(record->filter, "F300M");
  EXPECT_EQ(record->pupil, "CLEAR");
  EXPECT_EQ(record->effexptm, 100);
  EXPECT_EQ(record->tmeasure, 90);
  EXPECT_NEAR(record->native_scale_deg * 3600, 0.1, 1e-9);
  EXPECT_NEAR(record->ra_ref, 30, 1e-9);
  EXPECT_NEAR(record->dec_ref, 10, 1e-9);
  EXPECT_EQ(record->vparity, -1);
  EXPECT_NEAR(record->roll_ref, 0, 1e-6);
  EXPECT_NEAR(record->mean_pixel_area_sr, std::pow(0.1 / 3600 * 3.14159265358979 / 180, 2), 1e-19);
  ASSERT_EQ(record->footprint.size(), 4u);
  EXPECT_NEAR((record->footprint[2].dec - record->footprint[0].dec) * 3600, 3.0, 1e-6);
  EXPECT_LT(record->edge_bow_pixels, 1e-6);
}

TEST(ExamineExposure, ReadsTheOrientationOfAPlainImageFromItsWcs) {
  test::ScratchFolder const scratch("examine");
  model::Header image;
  test::set_tan(image, 30, 30, 200, -45, 0.5, 25);
  test::write_exposure(scratch.path() / "turned.fits", 30, 30, {}, image, {{"IMAGE", std::vector<float>(900, 1)}});
  auto const record = examine(scratch.path() / "turned.fits").record.value();
  EXPECT_EQ(record.kind, ExposureKind::PlainImage);
  EXPECT_EQ(record.group_id, "turned");
  EXPECT_NEAR(std::abs(record.roll_ref), 25, 1e-3);
  EXPECT_EQ(record.vparity, -1);
}

TEST(ExamineExposure, ChangesItsHashWithAnyHeaderCard) {
  test::ScratchFolder const scratch("examine");
  auto primary = test::nircam_primary();
  test::write_nircam(scratch.path() / "a_cal.fits", 4, 4, 30, 10, primary);
  auto const before = examine(scratch.path() / "a_cal.fits").record->header_hash;
  EXPECT_EQ(examine(scratch.path() / "a_cal.fits").record->header_hash, before);
  primary.set("TITLE", "another");
  test::write_nircam(scratch.path() / "a_cal.fits", 4, 4, 30, 10, primary);
  EXPECT_NE(examine(scratch.path() / "a_cal.fits").record->header_hash, before);
}

TEST(ExamineExposure, LeavesOtherExposureTypesOutWithANote) {
  test::ScratchFolder const scratch("examine");
  for (char const* type : {"NRC_TACQ", "MIR_LRS-FIXEDSLIT", "NRC_GRISM"}) {
    auto primary = test::nircam_primary();
    primary.set("EXP_TYPE", type);
    test::write_nircam(scratch.path() / "a_cal.fits", 4, 4, 30, 10, primary);
    auto const [record, notes] = examine(scratch.path() / "a_cal.fits");
    EXPECT_FALSE(record);
    ASSERT_EQ(notes.size(), 1u);
    EXPECT_TRUE(notes[0].left_out);
    EXPECT_TRUE(holds(notes[0].text, type)) << notes[0].text;
  }
}

TEST(ExamineExposure, NotesTroubleWithVisitPointingAndGuiding) {
  test::ScratchFolder const scratch("examine");
  auto primary = test::nircam_primary();
  primary.set("VISITSTA", "SUCCESSFUL");
  primary.set("ENGQLPTG", "CALCULATED_TRACK_TR_202111");
  primary.set("PCS_MODE", "FINEGUIDE");
  test::write_nircam(scratch.path() / "good_cal.fits", 4, 4, 30, 10, primary);
  EXPECT_TRUE(examine(scratch.path() / "good_cal.fits").notes.empty());
  primary.set("VISITSTA", "UNSUCCESSFUL");
  primary.set("ENGQLPTG", "PLANNED");
  primary.set("PCS_MODE", "COARSE");
  test::write_nircam(scratch.path() / "bad_cal.fits", 4, 4, 30, 10, primary);
  auto const [record, notes] = examine(scratch.path() / "bad_cal.fits");
  EXPECT_TRUE(record) << "noted, but taken";
  ASSERT_EQ(notes.size(), 3u);
  EXPECT_TRUE(holds(notes[0].text, "VISITSTA is UNSUCCESSFUL")) << notes[0].text;
  EXPECT_TRUE(holds(notes[1].text, "ENGQLPTG is PLANNED")) << notes[1].text;
  EXPECT_TRUE(holds(notes[2].text, "PCS_MODE is COARSE")) << notes[2].text;
}

TEST(ExamineExposure, TakesTheSkyLevelUnlessItWasSubtracted) {
  test::ScratchFolder const scratch("examine");
  auto primary = test::nircam_primary();
  primary.set("BKGLEVEL", 0.25);
  primary.set("BKGSUB", false);
  test::write_nircam(scratch.path() / "a_cal.fits", 4, 4, 30, 10, primary);
  EXPECT_EQ(examine(scratch.path() / "a_cal.fits").record->sky_level, 0.25);
  primary.set("BKGSUB", true);
  test::write_nircam(scratch.path() / "a_cal.fits", 4, 4, 30, 10, primary);
  EXPECT_EQ(examine(scratch.path() / "a_cal.fits").record->sky_level, std::nullopt);
}

TEST(ExamineExposure, RecordsSurviveTheTripBetweenRanks) {
  test::ScratchFolder const scratch("examine");
  test::write_nircam(scratch.path() / "a_cal.fits", 40, 30, 30.123456789, 10);
  auto record = *examine(scratch.path() / "a_cal.fits").record;
  record.path += "\xff not UTF-8";
  record.sky_level = 0.1;
  record.identity.half = model::Half::Lyot;
  auto const back = unpack_record(pack_record(record));
  EXPECT_EQ(back.path, record.path);
  EXPECT_EQ(back.identity, record.identity);
  EXPECT_EQ(back.sky_level, 0.1);
  EXPECT_EQ(back.tmeasure, record.tmeasure);
  EXPECT_EQ(back.native_scale_deg, record.native_scale_deg);
  EXPECT_EQ(back.footprint[2].ra, record.footprint[2].ra);
  EXPECT_EQ(back.header_hash, record.header_hash);
  EXPECT_EQ(pack_record(back), pack_record(record));
  EXPECT_LE(pack_record(record).size(), 1200u);
}

TEST(ExamineExposure, RefusesPlanesOfDifferingShapes) {
  test::ScratchFolder const scratch("examine");
  auto const path = scratch.path() / "odd_cal.fits";
  model::Header image;
  test::set_tan(image, 4, 4, 30, 10);
  std::vector<io::HduPlan> plans(3);
  plans[0].header = test::nircam_primary();
  plans[1].header = image;
  plans[1].extname = "SCI";
  plans[2].extname = "ERR";
  plans[1].bitpix = plans[2].bitpix = -32;
  plans[1].axes = {4, 4};
  plans[2].axes = {4, 3};
  io::write_fits(path, plans, {{}, std::vector<std::byte>(64), std::vector<std::byte>(48)});
  auto const said = refusal(path);
  EXPECT_TRUE(holds(said, "[ERR]") && holds(said, "4 x 4") && holds(said, "4 x 3")) << said;
}

TEST(ExamineExposure, RefusesAFileWithoutSciNamingWhatThereIs) {
  test::ScratchFolder const scratch("examine");
  test::write_exposure(scratch.path() / "a_cal.fits", 4, 4, test::nircam_primary(), {},
                       {{"ERR", std::vector<float>(16, 1)}});
  auto const said = refusal(scratch.path() / "a_cal.fits");
  EXPECT_TRUE(holds(said, "SCI") && holds(said, "ERR")) << said;
}

TEST(ExamineExposure, RefusesAWeightFileOfAnotherShape) {
  test::ScratchFolder const scratch("examine");
  model::Header image;
  test::set_tan(image, 4, 4, 30, 10);
  test::write_exposure(scratch.path() / "a.fits", 4, 4, {}, image, {{"IMAGE", std::vector<float>(16, 1)}});
  test::write_exposure(scratch.path() / "w.fits", 4, 3, {}, {}, {{"W", std::vector<float>(12, 1)}});
  std::vector<InputNote> notes;
  EXPECT_THROW(
      examine_exposure({"", "", (scratch.path() / "a.fits").string(), (scratch.path() / "w.fits").string(), ""}, notes),
      InputError);
  EXPECT_THROW(
      examine_exposure({"", "", (scratch.path() / "a.fits").string(), "", (scratch.path() / "w.fits").string()}, notes),
      InputError);
}

TEST(ExamineExposure, TakesARealMiriMosaicThroughGzip) {
  SKIP_WITHOUT_SHARED("data/real/jwst_miri/jw01288015001_04101_00001_mirimage_i2d.fits");
  auto const record =
      examine(test::shared_dir() / "data/real/jwst_miri/jw01288015001_04101_00001_mirimage_i2d.fits").record.value();
  EXPECT_EQ(record.kind, ExposureKind::JwstMosaic);
  EXPECT_EQ(record.instrument, "MIRI");
  EXPECT_EQ(record.filter, "F1130W");
  EXPECT_TRUE(record.has_gwcs);
  EXPECT_TRUE(record.planes.has(Plane::Wht) && record.planes.has(Plane::VarRnoise));
  EXPECT_NEAR(record.native_scale_deg * 3600, 0.11, 0.002);
}

TEST(ExamineExposure, TakesRealZpnImages) {
  SKIP_WITHOUT_SHARED("data/real/vircam/propane_image_1.fits");
  auto const record = examine(test::shared_dir() / "data/real/vircam/propane_image_1.fits").record.value();
  EXPECT_EQ(record.kind, ExposureKind::PlainImage);
  EXPECT_NEAR(record.native_scale_deg * 3600, 0.339, 0.003);
  EXPECT_GT(record.nx, 1700);
}

TEST(ExamineExposure, LeavesARealGuiderFileOut) {
  SKIP_WITHOUT_SHARED("data/real/jwst_fgs/add_wcs_default_acq1.fits");
  auto const [record, notes] = examine(test::shared_dir() / "data/real/jwst_fgs/add_wcs_default_acq1.fits");
  EXPECT_FALSE(record);
  EXPECT_TRUE(std::any_of(notes.begin(), notes.end(), [](auto const& note) { return note.left_out; }));
}

TEST(ExamineExposure, RefusesARealFrameWithoutWcs) {
  SKIP_WITHOUT_SHARED("data/real/m13/M13_blue_0001.fits");
  auto const said = refusal(test::shared_dir() / "data/real/m13/M13_blue_0001.fits");
  EXPECT_TRUE(holds(said, "M13_blue_0001.fits") && holds(said, "WCS") && holds(said, "remedy")) << said;
}

}  // namespace
}  // namespace tessera::store
