#include "tessera/config/wcs_adjust_file.hpp"

#include "support/test_files.hpp"
#include "tessera/core/error.hpp"

using namespace tessera;
using namespace tessera::config;

TEST(WcsAdjustFile, ReadsAndWritesTheVector) {
  auto const vector = test::read_vector("pj_config_names.json").at("wcs_adjust");
  auto const text = vector.at("file_text").get<std::string>();
  auto const read = parse_wcs_adjust(text, "x");
  ASSERT_EQ(read.by_key.size(), 1u);
  auto const& adjustment = read.by_key.at("jw02107041001");
  EXPECT_EQ(adjustment.shift_arcsec, (std::array<double, 2>{0.1, -0.02}));
  EXPECT_EQ(adjustment.matrix, WcsAdjustment{}.matrix);
  WcsAdjustments mean;
  mean.by_key["jw02107041001"].shift_arcsec = {vector.at("mean").at(0), vector.at("mean").at(1)};
  EXPECT_EQ(format_wcs_adjust(mean, pjpipe_121_decimals), text);
}

TEST(WcsAdjustFile, KeepsRotationsThatPjpipeLoses) {
  WcsAdjustments rotated;
  rotated.by_key["jw02107041001_nircam"] = {{0.123456, -2.5}, {{{1, 1.25e-5}, {-1.25e-5, 1}}}};
  EXPECT_EQ(parse_wcs_adjust(format_wcs_adjust(rotated), "x").by_key, rotated.by_key);
  EXPECT_NE(parse_wcs_adjust(format_wcs_adjust(rotated, pjpipe_121_decimals), "x").by_key, rotated.by_key);
}

TEST(WcsAdjustFile, PrefersExposureThenInstrumentThenVisit) {
  auto const file = parse_wcs_adjust(
      "[wcs_adjust]\njw02107041001.shift = [1, 0]\njw02107041001_miri.shift = [2, 0]\n"
      "jw02107041001_02105_00001.shift = [3, 0]\n",
      "x");
  auto const first = *parse_exposure_name("jw02107041001_02105_00001_mirimage_cal.fits");
  auto const second = *parse_exposure_name("jw02107041001_02105_00002_mirimage_cal.fits");
  auto const other = *parse_exposure_name("jw02107041002_02105_00002_mirimage_cal.fits");
  EXPECT_EQ(file.find(first, Instrument::Miri)->shift_arcsec[0], 3);
  EXPECT_EQ(file.find(second, Instrument::Miri)->shift_arcsec[0], 2);
  EXPECT_EQ(file.find(second, Instrument::Nircam)->shift_arcsec[0], 1);
  EXPECT_EQ(file.find(other, Instrument::Miri), nullptr);
}

TEST(WcsAdjustFile, PrefersTheModuleOfAnExposureOrVisit) {
  auto const file = parse_wcs_adjust(
      "[wcs_adjust]\njw02107041001.shift = [1, 0]\njw02107041001_nircam.shift = [2, 0]\n"
      "jw02107041001_nrca.shift = [3, 0]\njw02107041001_02105_00002.shift = [4, 0]\n"
      "jw02107041001_02105_00003_nrcb.shift = [5, 0]\njw02107041001_02105_00003.shift = [6, 0]\n",
      "x");
  auto const shift_of = [&](char const* name, Instrument instrument = Instrument::Nircam) {
    return file.find(*parse_exposure_name(name), instrument)->shift_arcsec[0];
  };
  EXPECT_EQ(shift_of("jw02107041001_02105_00001_nrcalong_cal.fits"), 3);
  EXPECT_EQ(shift_of("jw02107041001_02105_00001_nrca3_cal.fits"), 3);
  EXPECT_EQ(shift_of("jw02107041001_02105_00001_nrcb1_cal.fits"), 2);
  EXPECT_EQ(shift_of("jw02107041001_02105_00001_mirimage_cal.fits", Instrument::Miri), 1);
  EXPECT_EQ(shift_of("jw02107041001_02105_00002_nrca3_cal.fits"), 4) << "exposures before visits";
  EXPECT_EQ(shift_of("jw02107041001_02105_00003_nrcblong_cal.fits"), 5);
  EXPECT_EQ(shift_of("jw02107041001_02105_00003_nrcalong_cal.fits"), 6);
}

TEST(WcsAdjustFile, KnowsTheKeysThatSomeExposureMayHave) {
  for (auto const* key :
       {"jw02107041001", "jw02107041001_nircam", "jw02107041001_miri", "jw02107041001_niriss", "jw02107041001_nrca",
        "jw02107041001_nrcb", "jw02107041001_02105_00001", "jw02107041001_02105_00001_nrcb"})
    EXPECT_TRUE(is_adjustment_key(key)) << key;
  for (auto const* key : {"", "jw", "jw0210704100", "jw02107041001_", "jw02107041001_nrcc", "jw02107041001_nircam_a",
                          "jw02107041001_02105", "jw02107041001_02105_00001_miri", "jw02107041001_02105_00001_",
                          "ngc0628", "jw0210704100a"})
    EXPECT_FALSE(is_adjustment_key(key)) << key;
}

TEST(WcsAdjustFile, KeepsThePlaneThatAnAdjustmentIsMeasuredIn) {
  WcsAdjustments file;
  file.by_key["jw02107041001_nircam"] = {{0.5, -2.5}, {{{1, 1e-4}, {-1e-4, 1}}}, std::array{24.123456789, -15.5}, 8};
  EXPECT_EQ(parse_wcs_adjust(format_wcs_adjust(file), "x").by_key, file.by_key);
}

TEST(WcsAdjustFile, TakesAMissingShiftAsZero) {
  auto const file = parse_wcs_adjust("[wcs_adjust]\na.matrix = [[0.5, 0], [0, 2]]\n", "x");
  EXPECT_EQ(file.by_key.at("a").shift_arcsec, (std::array<double, 2>{0, 0}));
  EXPECT_EQ(file.by_key.at("a").matrix[1][1], 2);
}

TEST(WcsAdjustFile, RefusesOtherShapesWithTheirPlace) {
  for (auto const* wrong :
       {"a = 1", "[wcs_adjust]\na = 1", "[wcs_adjust]\na.shift = [1]", "[wcs_adjust]\na.shift = ['x', 1]",
        "[wcs_adjust]\na.matrix = [1, 2]", "[wcs_adjust]\na.tangent = [1]", "[wcs_adjust]\na.files = 1.5",
        "[wcs_adjust]\na.files = -1"})
    EXPECT_THROW(parse_wcs_adjust(wrong, "x"), ConfigError) << wrong;
  try {
    parse_wcs_adjust("[wcs_adjust]\njw1.shift = [1, 2, 3]\n", "adjust.toml");
    FAIL() << "no exception";
  } catch (ConfigError const& error) {
    EXPECT_EQ(error.problem().where, "adjust.toml:2:5: wcs_adjust.jw1.shift");
    EXPECT_EQ(error.problem().found, "[1, 2, 3]");
  }
}
