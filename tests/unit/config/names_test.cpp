#include <algorithm>

#include "support/test_files.hpp"
#include "tessera/config/exposure_name.hpp"
#include "tessera/config/product_names.hpp"
#include "tessera/config/raw_files.hpp"
#include "tessera/config/toml_file.hpp"
#include "tessera/core/error.hpp"

using namespace tessera;
using namespace tessera::config;

namespace {

/// pjpipe 1.2.1 writes the wildcard itself where we write X.
std::string with_wildcard(std::string name) {
  if (auto const at = name.find("XXXXX"); at != std::string::npos) name.replace(at, 5, "*");
  if (name.ends_with('X')) name.back() = '*';
  return name;
}

}  // namespace

TEST(ParseExposureName, AgreesWithTheVectors) {
  auto const cases = test::read_vector("pj_config_names.json").at("names");
  ASSERT_EQ(cases.size(), 5u);
  for (auto const& entry : cases) {
    auto const file = entry.at("file").get<std::string>();
    auto const name = parse_exposure_name("/some/folder/" + file);
    ASSERT_TRUE(name) << file;
    EXPECT_EQ(name->suffix, "cal");
    EXPECT_EQ(name->root() + "_cal.fits", file);
    EXPECT_EQ(with_wildcard(name->dither_group()), entry.at("dither_group"));
    EXPECT_EQ(with_wildcard(name->combined_group()), entry.at("short_combined_group"));
    EXPECT_EQ(with_wildcard(name->dither_group()) + "_cal.fits", entry.at("stack_name"));
    EXPECT_EQ(name->field_key(), entry.at("lv3_visit"));
    EXPECT_EQ(name->visit_key(), entry.at("wcs_grouped"));
    EXPECT_EQ(name->exposure_key(), entry.at("wcs_ungrouped"));
    EXPECT_EQ(name->is_parallel(), entry.at("parallel_off_is_bgr").get<bool>());
    if (entry.at("prev_trapsfilled").is_null())
      EXPECT_FALSE(name->previous_trapsfilled());
    else
      EXPECT_EQ(name->previous_trapsfilled(), entry.at("prev_trapsfilled").get<std::string>());
  }
}

TEST(ParseExposureName, ReadsParallelsSegmentsAndLongSuffixes) {
  auto const parallel = parse_exposure_name("jw02107041001_02201_00001_mirimage_rate.fits");
  ASSERT_TRUE(parallel);
  EXPECT_TRUE(parallel->is_parallel());
  auto const segment = parse_exposure_name("jw02107041001_0210a_00001-seg002_nrcalong_crf_tweakback.fits.gz");
  ASSERT_TRUE(segment);
  EXPECT_EQ(segment->segment, "seg002");
  EXPECT_EQ(segment->activity, "0a");
  EXPECT_EQ(segment->suffix, "crf_tweakback");
  EXPECT_EQ(segment->root(), "jw02107041001_0210a_00001-seg002_nrcalong");
}

TEST(ParseExposureName, RefusesOtherNames) {
  for (auto const* wrong : {"", "ngc0628_nircam_lv3_f200w_i2d.fits", "jw02107-o040_t018_nircam_clear-f335m_i2d.fits",
                            "jw0210704100_02105_00001_mirimage_cal.fits", "jw02107041001_02105_1_mirimage_cal.fits",
                            "jw02107041001_02105_*_mirimage_cal.fits", "jw02107041001_02105_00001"})
    EXPECT_FALSE(parse_exposure_name(wrong)) << wrong;
}

TEST(MosaicName, LowersTargetAndBand) {
  EXPECT_EQ(mosaic_name("NGC0628", parse_band("F770W_bgr")), "ngc0628_miri_lv3_f770w_bgr");
  EXPECT_EQ(mosaic_name("m33", parse_band("F150W2")), "m33_nircam_lv3_f150w2");
}

TEST(AssociationName, KeepsTheBandAsWritten) {
  EXPECT_EQ(level2_association_name(parse_band("F770W_bgr"), 3), "asn_lv2_F770W_bgr_3.json");
  EXPECT_EQ(level2_association_name(parse_band("F770W")), "asn_lv2_F770W.json");
  EXPECT_EQ(level3_association_name(parse_band("F770W_bgr")), "asn_lv3_F770W_bgr.json");
}

TEST(KernelFileName, AgreesWithTheVectors) {
  auto const names = test::read_vector("pj_config_names.json").at("kernel_names");
  EXPECT_EQ(kernel_file_name("F770W", "gauss0.85"), names.at(0));
  EXPECT_EQ(kernel_file_name("F770W", "gauss0p85"), names.at(0));
  EXPECT_EQ(kernel_file_name("F300M", "F2100W"), names.at(1));
  auto const external = kernel_file_name("F770W", anchoring_resolution("irac4_atgauss4"));
  EXPECT_EQ(names.at(2).get<std::string>().substr(0, external.size()), external);
  EXPECT_EQ(anchoring_resolution("w3"), "w3");
}

TEST(GaussianFwhm, GivesTheBeamOfTheVectors) {
  auto const cases = test::read_vector("pj_config_names.json").at("bmaj");
  ASSERT_EQ(cases.size(), 4u);
  for (auto const& entry : cases) {
    auto const fwhm = gaussian_fwhm_arcsec(entry.at("target").get<std::string>());
    ASSERT_TRUE(fwhm);
    // The vectors give 12 digits.
    EXPECT_NEAR(*fwhm / 3600, entry.at("BMAJ_deg").get<double>(), 1e-11 * *fwhm);
  }
  for (auto const* other : {"F2100W", "gauss", "gaussx", "gauss1x"}) EXPECT_FALSE(gaussian_fwhm_arcsec(other)) << other;
}

TEST(SelectRawFiles, TakesExtraObservationsAsTheVectorsDo) {
  auto const extra = test::read_vector("pj_config_names.json").at("extra_obs");
  auto const pattern = extra.at("pattern").get<std::string>();
  Value const rule = parse_toml("ic5332.sci.ngc7496 = '" + pattern + "'", "x");
  auto const selection = select_raw_files(Value(), rule, "ic5332", parse_band("F770W"));
  ASSERT_EQ(selection.extra, (std::vector<ExtraObservations>{{"ngc7496", pattern}}));
  auto const globs = selection.globs("<raw_dir>", "ic5332", parse_band("F770W"), "uncal");
  ASSERT_EQ(globs.size(), 2u);
  EXPECT_EQ(globs[0], "<raw_dir>/ic5332/mastDownload/JWST/*mirimage/*mirimage_uncal.fits");
  EXPECT_EQ(globs[1], extra.at("glob"));
  for (auto const& entry : extra.at("matches"))
    EXPECT_EQ(matches_pattern(entry.at(0).get<std::string>(), pattern + "*mirimage"), entry.at(1).get<bool>()) << entry;
}

TEST(SelectRawFiles, RestrictsRulesToScienceOrBackground) {
  Value const rule = parse_toml("ic5332.sci.ngc7496 = ['a', 'b']", "x");
  EXPECT_TRUE(select_raw_files(Value(), rule, "ic5332", parse_band("F770W_bgr")).extra.empty());
  EXPECT_TRUE(select_raw_files(Value(), rule, "ngc7496", parse_band("F770W")).extra.empty());
  EXPECT_EQ(select_raw_files(Value(), rule, "ic5332", parse_band("F770W")).extra.size(), 2u);
}

TEST(SelectRawFiles, SkipsWhatTheTargetSays) {
  Value const rule = parse_toml("ic5332.sci = 'jw02107042001_0?2*'\nngc1566 = 'jw02107007003_02105_00003*'", "x");
  auto const dropped = "jw02107042001_02201_00001_mirimage_uncal.fits";
  EXPECT_TRUE(select_raw_files(rule, Value(), "ic5332", parse_band("F770W")).skips(dropped));
  EXPECT_FALSE(select_raw_files(rule, Value(), "ic5332", parse_band("F770W_bgr")).skips(dropped));
  EXPECT_FALSE(select_raw_files(rule, Value(), "ngc1566", parse_band("F770W")).skips(dropped));
  auto const failed = "jw02107007003_02105_00003_mirimage_uncal.fits";
  EXPECT_TRUE(select_raw_files(rule, Value(), "ngc1566", parse_band("F770W_bgr")).skips(failed));
  EXPECT_TRUE(select_raw_files(Value("jw*"), Value(), "any", parse_band("F770W")).skips(failed));
}

TEST(SelectRawFiles, RefusesOtherShapes) {
  EXPECT_THROW(select_raw_files(parse_toml("t = 3", "x"), Value(), "t", parse_band("F770W")), ConfigError);
  EXPECT_THROW(select_raw_files(Value(), Value("x"), "t", parse_band("F770W")), ConfigError);
  EXPECT_THROW(select_raw_files(Value(), parse_toml("t = 'x'", "x"), "t", parse_band("F770W")), ConfigError);
}
