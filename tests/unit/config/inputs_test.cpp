// The survey configurations in inputs/ (spec 40, 0.9).
#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "support/test_files.hpp"
#include "tessera/config/survey.hpp"

using namespace tessera;
using namespace tessera::config;

namespace {

Survey load(std::string const& programme) {
  auto const folder = test::data_dir() / "../../inputs" / programme;
  return load_survey(folder / "config.toml", folder / "local.toml");
}

class InputSurvey : public testing::TestWithParam<char const*> {};

}  // namespace

TEST_P(InputSurvey, HasNoUnknownKeys) {
  auto const survey = load(GetParam());
  for (auto const& warning : survey.warnings)
    EXPECT_NE(warning.where.find(".align_to_gaia"), std::string::npos) << warning.line();
}

TEST_P(InputSurvey, NamesItsUnbuiltSteps) {
  std::set<std::string> const built{"get_wcs_adjust",    "apply_wcs_adjust",     "lyot_mask", "lyot_separate",
                                    "level_match",       "multi_tile_destripe",  "lv3",       "astrometric_catalog",
                                    "astrometric_align", "single_tile_destripe", "lv2"};
  auto const survey = load(GetParam());
  for (auto const& entry : survey.steps) {
    auto const named = std::any_of(survey.not_built.begin(), survey.not_built.end(),
                                   [&](Problem const& each) { return each.found == "'" + entry.text + "'"; });
    EXPECT_EQ(named, !built.contains(entry.step)) << entry.text;
  }
  EXPECT_FALSE(std::any_of(survey.not_built.begin(), survey.not_built.end(), [](Problem const& each) {
    return each.where.find("parameters.lv3.jwst_parameters.tweakreg") != std::string::npos;
  }));
}

TEST_P(InputSurvey, HasNoParameterThatIsPassedOver) {
  for (auto const& problem : load(GetParam()).not_built)
    EXPECT_THAT(problem.where, testing::EndsWith(": steps")) << problem.line();
}

TEST_P(InputSurvey, DestripesWhereItIsListed) {
  auto const survey = load(GetParam());
  bool const is_m33 = GetParam() == std::string("2128");  // level 2 first
  for (auto const& entry : survey.steps)
    EXPECT_EQ(entry.takes_rates, entry.step == "single_tile_destripe" && !is_m33) << entry.text;
}

TEST_P(InputSurvey, ResolvesEveryStepForEveryBand) {
  auto const survey = load(GetParam());
  for (auto const& target : survey.targets)
    for (auto const& band : survey.bands)
      for (auto const& entry : survey.steps) EXPECT_NO_THROW(survey.resolve(entry.step, target, &band));
}

TEST_P(InputSurvey, AsksForNorthUpMosaics) {
  auto const survey = load(GetParam());
  auto const lv3 = survey.resolve("lv3", survey.targets.front(), &survey.bands.front());
  EXPECT_EQ(lv3.optional_real("jwst_parameters.resample.rotation"), 0.0);
  EXPECT_EQ(lv3.text("jwst_parameters.skymatch.skymethod"), "global");
}

INSTANTIATE_TEST_SUITE_P(Inputs, InputSurvey,
                         testing::Values("2107", "3707", "2731", "2128", "2130", "1558", "stripe_testing"));

TEST(Input2107, HasTheValuesOfThePaper) {
  auto const survey = load("2107");
  EXPECT_EQ(survey.targets.size(), 19u);
  EXPECT_EQ(survey.bands.size(), 12u);
  EXPECT_EQ(survey.local.crds_context, "jwst_1201.pmap");
  Band const f200w = parse_band("F200W"), f770w = parse_band("F770W");
  auto const lv2 = survey.resolve("lv2", "ic5332", &f770w);
  EXPECT_DOUBLE_EQ(lv2.real("jwst_parameters.bkg_subtract.sigma"), 1.5);
  EXPECT_EQ(lv2.texts("bgr_observation_types"), std::vector<std::string>{"miri"});
  auto const nircam = survey.resolve("lv3", "ngc0628", &f200w), miri = survey.resolve("lv3", "ngc0628", &f770w);
  EXPECT_FALSE(nircam.boolean("jwst_parameters.tweakreg.skip"));
  EXPECT_TRUE(miri.boolean("jwst_parameters.tweakreg.skip"));
  EXPECT_EQ(nircam.integer("jwst_parameters.tweakreg.brightest"), 125);
  EXPECT_EQ(miri.integer("jwst_parameters.skymatch.nclip"), 10);
  EXPECT_DOUBLE_EQ(miri.real("jwst_parameters.skymatch.usigma"), 1.5);
  EXPECT_EQ(survey.resolve("single_tile_destripe", "ngc0628", &f200w).numbers("filter_scales").back(), 511);
  auto const align = survey.resolve("astrometric_align", "ngc0628", &f770w);
  EXPECT_EQ(align.text("tweakreg_parameters.iteration2.fitgeom"), "rshift");
  EXPECT_EQ(align.value("align_mapping").find("F770W")->text(), "F1000W");
  EXPECT_EQ(survey.raw_selection("ic5332", f770w).extra.size(), 1u);
  EXPECT_EQ(survey.raw_selection("ic5332", parse_band("F770W_bgr")).extra.size(), 0u);
  EXPECT_EQ(survey.tessera.previous_version, "v1p1p1");
}
