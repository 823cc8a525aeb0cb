#include "tessera/config/step_list.hpp"

#include "support/test_files.hpp"
#include "tessera/config/step_catalogue.hpp"
#include "tessera/config/step_folders.hpp"
#include "tessera/core/error.hpp"

using namespace tessera;
using namespace tessera::config;

TEST(ParseStep, AgreesWithTheVectorsOnWhichBandsRun) {
  auto const cases = test::read_vector("pj_config_names.json").at("step_qualifiers");
  ASSERT_GE(cases.size(), 18u);
  for (auto const& entry : cases) {
    auto const step = entry.at("step").get<std::string>();
    auto const band = entry.at("band").get<std::string>();
    EXPECT_EQ(parse_step(step).runs_on(parse_band(band)), entry.at("runs").get<bool>()) << step << " on " << band;
  }
}

TEST(ParseStep, TakesQualifiersInAnyOrder) {
  auto const entry = parse_step("lyot_mask.bgr.miri");
  EXPECT_EQ(entry.step, "lyot_mask");
  EXPECT_EQ(entry.instrument, Instrument::Miri);
  EXPECT_EQ(entry.observations, Observations::Background);
}

TEST(ParseStep, RefusesWhatIsUnknownAndNamesTheNearest) {
  try {
    parse_step("levl_match.miri", {"config.toml", 7, 3});
    FAIL() << "no exception";
  } catch (ConfigError const& error) {
    EXPECT_EQ(error.problem().where, "config.toml:7:3: steps");
    EXPECT_EQ(error.problem().remedy, "did you mean 'level_match'?");
  }
  try {
    parse_step("lv1.nircan");
    FAIL() << "no exception";
  } catch (ConfigError const& error) {
    EXPECT_EQ(error.problem().remedy, "did you mean 'nircam'?");
  }
  for (auto const* wrong : {"", "lv1.", "lv1.miri.nircam", "lv1.sci.bgr", "move_raw_obs", "lv1.miri.miri"})
    EXPECT_THROW(parse_step(wrong), ConfigError) << wrong;
}

TEST(StepCatalogue, HasEveryStepOfPjpipe) {
  for (auto const* name : {"download",
                           "gaia_query",
                           "get_wcs_adjust",
                           "anchoring",
                           "release",
                           "regress_against_previous",
                           "lv1",
                           "lv2",
                           "single_tile_destripe",
                           "apply_wcs_adjust",
                           "lyot_mask",
                           "lyot_separate",
                           "level_match",
                           "multi_tile_destripe",
                           "psf_model",
                           "lv3",
                           "astrometric_catalog",
                           "astrometric_align",
                           "mosaic_individual_fields",
                           "psf_matching",
                           "persistence",
                           "move_raw_obs"})
    EXPECT_NE(find_step(name), nullptr) << name;
  EXPECT_EQ(all_steps().size(), 22u);
  EXPECT_EQ(find_step("lv4"), nullptr);
  EXPECT_EQ(find_step("anchoring")->step_class, StepClass::Combined);
  EXPECT_EQ(find_step("lv1")->step_class, StepClass::PerBand);
}

TEST(StepCatalogue, DeclaresEachKeyOnceWithHelp) {
  for (auto const& step : all_steps()) {
    std::set<std::string> keys;
    for (auto const& parameter : step.table.parameters) {
      EXPECT_TRUE(keys.insert(parameter.key).second) << step.name << "." << parameter.key;
      EXPECT_FALSE(parameter.help.empty()) << step.name << "." << parameter.key;
      for (auto const& inner : parameter.inner) EXPECT_FALSE(inner_table(inner).parameters.empty()) << inner;
    }
    EXPECT_TRUE(keys.contains("overwrite")) << step.name;
  }
}

namespace {

std::vector<StepEntry> steps_of(std::vector<std::string> const& texts) {
  std::vector<StepEntry> entries;
  for (auto const& text : texts) entries.push_back(parse_step(text));
  return entries;
}

/// "step: input(extension) -> output" for each step of a band.
std::vector<std::string> chain(std::vector<std::string> const& texts, std::string const& band) {
  std::vector<std::string> lines;
  for (auto const& each : chain_step_folders(steps_of(texts), parse_band(band)))
    lines.push_back(each.step + ": " + each.input_folder + "(" + each.input_extension + ") -> " + each.output_folder +
                    (each.takes_raw ? " raw" : ""));
  return lines;
}

}  // namespace

TEST(ChainStepFolders, FollowsTheOrderOfPhangs) {
  std::vector<std::string> const steps{"download",
                                       "lv1",
                                       "single_tile_destripe.nircam",
                                       "lv2",
                                       "get_wcs_adjust",
                                       "apply_wcs_adjust",
                                       "lyot_separate.miri",
                                       "level_match",
                                       "lv3",
                                       "astrometric_catalog.miri",
                                       "astrometric_align",
                                       "anchoring",
                                       "psf_matching"};
  EXPECT_EQ(chain(steps, "F200W"),
            (std::vector<std::string>{
                "lv1: uncal(uncal) -> lv1 raw", "single_tile_destripe: lv1(rate) -> single_tile_destripe",
                "lv2: single_tile_destripe(rate) -> lv2", "apply_wcs_adjust: lv2(cal) -> apply_wcs_adjust",
                "level_match: apply_wcs_adjust(cal) -> level_match", "lv3: level_match(cal) -> lv3",
                "astrometric_align: lv3(i2d) -> lv3", "psf_matching: lv3(i2d_anchor) -> psf_matching"}));
  EXPECT_EQ(chain(steps, "F770W")[3], "lyot_separate: apply_wcs_adjust(cal) -> lyot_separate");
}

TEST(ChainStepFolders, DestripesCalFilesAfterLevelTwo) {
  EXPECT_EQ(
      chain({"lv2", "single_tile_destripe", "lv3"}, "F200W"),
      (std::vector<std::string>{"lv2: lv1(rate) -> lv2 raw", "single_tile_destripe: lv2(cal) -> single_tile_destripe",
                                "lv3: single_tile_destripe(cal) -> lv3"}));
}

TEST(ChainStepFolders, StartsAtCalFilesForOtherSteps) {
  EXPECT_EQ(chain({"lv3", "mosaic_individual_fields", "psf_matching"}, "F200W"),
            (std::vector<std::string>{"lv3: cal(cal) -> lv3 raw",
                                      "mosaic_individual_fields: lv3(crf_tweakback) -> mosaic_individual_fields",
                                      "psf_matching: lv3(i2d) -> psf_matching"}));
}
