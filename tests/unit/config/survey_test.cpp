#include "tessera/config/survey.hpp"

#include <algorithm>

#include "support/test_files.hpp"
#include "survey_texts.hpp"
#include "tessera/core/contract.hpp"

using namespace tessera;
using namespace tessera::config;
using tessera::config::test::parse;
using tessera::config::test::problems_of;
using tessera::config::test::survey_text;

TEST(Survey, ReadsTheTopLevel) {
  auto const survey = parse("'lv3.nircam'");
  EXPECT_EQ(survey.targets, (std::vector<std::string>{"ngc0628", "IC5332"}));
  EXPECT_EQ(survey.version, "v1");
  ASSERT_EQ(survey.bands.size(), 4u);
  EXPECT_TRUE(survey.bands[3].is_background);
  ASSERT_EQ(survey.steps.size(), 1u);
  EXPECT_EQ(survey.steps[0].step, "lv3");
  EXPECT_EQ(survey.local.reprocess_dir, "/work");
  EXPECT_EQ(survey.band_dir("IC5332", survey.bands[3]), "/work/v1/IC5332/F770W_bgr");
  EXPECT_TRUE(survey.warnings.empty());
  EXPECT_TRUE(survey.not_built.empty());
}

TEST(SurveyResolve, GivesDefaultsOfTheOfficialSteps) {
  auto const survey = parse("'lv3'");
  auto const lv3 = survey.resolve("lv3", "ngc0628", &survey.bands[0]);
  EXPECT_DOUBLE_EQ(lv3.real("jwst_parameters.resample.pixfrac"), 1.0);
  EXPECT_EQ(lv3.text("jwst_parameters.resample.kernel"), "square");
  EXPECT_EQ(lv3.text("jwst_parameters.resample.fillval"), "NAN");
  EXPECT_EQ(lv3.optional_real("jwst_parameters.resample.rotation"), std::nullopt);
  EXPECT_FALSE(lv3.is_set("jwst_parameters.resample.crval"));
  EXPECT_TRUE(lv3.is_default("jwst_parameters.resample.pixfrac"));
  EXPECT_EQ(lv3.integer("jwst_parameters.tweakreg.minobj"), 15);
  EXPECT_FALSE(lv3.boolean("jwst_parameters.outlier_detection.skip"));
  EXPECT_EQ(lv3.text("jwst_parameters.outlier_detection.snr"), "5.0 4.0");
  EXPECT_TRUE(lv3.texts("tweakreg_group_dithers").empty());
}

TEST(SurveyResolve, SpecialisesEveryLevel) {
  auto const survey = parse("'lv3'", R"([parameters.lv3]
tweakreg_degroup_nircam_modules.ngc0628 = true
[parameters.lv3.jwst_parameters.tweakreg]
searchrad = { nircam = "10pix", miri = 3 }
skip = { F770W = true, F200W = { IC5332 = true } }
[parameters.lv3.jwst_parameters]
resample = { rotation = 0, pixfrac.nircam.ngc0628 = 0.5 }
)");
  auto const& f200w = survey.bands[0];
  auto const& f770w_bgr = survey.bands[3];
  auto const one = survey.resolve("lv3", "ngc0628", &f200w);
  EXPECT_TRUE(one.boolean("tweakreg_degroup_nircam_modules"));
  EXPECT_NEAR(one.real("jwst_parameters.tweakreg.searchrad"), 0.31, 1e-12);
  EXPECT_FALSE(one.boolean("jwst_parameters.tweakreg.skip"));
  EXPECT_EQ(one.real("jwst_parameters.resample.rotation"), 0.0);
  EXPECT_EQ(one.real("jwst_parameters.resample.pixfrac"), 0.5);
  EXPECT_FALSE(one.is_default("jwst_parameters.resample.pixfrac"));
  auto const two = survey.resolve("lv3", "IC5332", &f200w);
  EXPECT_FALSE(two.boolean("tweakreg_degroup_nircam_modules"));
  EXPECT_TRUE(two.boolean("jwst_parameters.tweakreg.skip"));
  EXPECT_EQ(two.real("jwst_parameters.resample.pixfrac"), 1.0);
  EXPECT_TRUE(two.is_default("jwst_parameters.resample.pixfrac"));
  auto const three = survey.resolve("lv3", "IC5332", &f770w_bgr);
  EXPECT_TRUE(three.boolean("jwst_parameters.tweakreg.skip"));
  EXPECT_EQ(three.real("jwst_parameters.tweakreg.searchrad"), 3.0);
}

TEST(SurveyResolve, TakesTheFinderKernelFromTheBand) {
  auto const survey = parse("'lv3'", "[parameters.lv3.jwst_parameters.source_catalog]\nkernel_fwhm = 3\n");
  auto const lv3 = survey.resolve("lv3", "ngc0628", &survey.bands[2]);
  EXPECT_DOUBLE_EQ(lv3.real("jwst_parameters.tweakreg.kernel_fwhm"), 2.445);
  EXPECT_DOUBLE_EQ(lv3.real("jwst_parameters.source_catalog.kernel_fwhm"), 3.0);
  auto const adjust = survey.resolve("get_wcs_adjust", "ngc0628", &survey.bands[2]);
  EXPECT_DOUBLE_EQ(adjust.real("tweakreg_parameters.kernel_fwhm"), 4.890);
}

TEST(SurveyResolve, KnowsOlderNamesAndIterations) {
  auto const survey = parse("'lv3'", R"([parameters.astrometric_catalog.dao_parameters]
sharplo = 0.3
[parameters.single_tile_destripe]
median_filter_scales = [3, 7]
[parameters.astrometric_align.tweakreg_parameters]
iteration1.searchrad = { miri = 10, nircam = 20 }
iteration2 = { fitgeom = "rshift" }
)");
  auto const& miri = survey.bands[2];
  EXPECT_DOUBLE_EQ(survey.resolve("astrometric_catalog", "t", &miri).real("starfind_parameters.sharplo"), 0.3);
  EXPECT_EQ(survey.resolve("single_tile_destripe", "t", &miri).numbers("filter_scales"), (std::vector<double>{3, 7}));
  auto const align = survey.resolve("astrometric_align", "t", &miri);
  EXPECT_DOUBLE_EQ(align.real("tweakreg_parameters.iteration1.searchrad"), 10);
  EXPECT_EQ(align.text("tweakreg_parameters.iteration2.fitgeom"), "rshift");
  EXPECT_DOUBLE_EQ(align.real("tweakreg_parameters.iteration2.searchrad"), 3);
  EXPECT_FALSE(align.by_key.contains("tweakreg_parameters.iteration3.searchrad"));
}

TEST(SurveyResolve, RoundTripsThroughJson) {
  auto const survey = parse("'lv3'", "[parameters.lv3.jwst_parameters.resample]\nrotation = 12.345678901234567\n");
  for (auto const* step : {"lv1", "lv2", "lv3", "level_match", "get_wcs_adjust", "release"}) {
    auto const resolved = survey.resolve(step, "ngc0628", &survey.bands[0]);
    auto const json = nlohmann::json::parse(resolved.json());
    EXPECT_EQ(json.at("step"), step);
    EXPECT_EQ(json.at("band"), "F200W");
    ASSERT_EQ(json.at("parameters").size(), resolved.by_key.size());
    for (auto const& [key, parameter] : resolved.by_key) {
      auto const& read = json.at("parameters").at(key);
      switch (parameter.value.kind()) {
        case Value::Kind::None:
          EXPECT_TRUE(read.is_null()) << key;
          break;
        case Value::Kind::Bool:
          EXPECT_EQ(read.get<bool>(), parameter.value.boolean()) << key;
          break;
        case Value::Kind::Integer:
          EXPECT_EQ(read.get<std::int64_t>(), parameter.value.integer()) << key;
          break;
        case Value::Kind::Real:
          EXPECT_EQ(read.get<double>(), parameter.value.number()) << key;
          break;
        case Value::Kind::Text:
          EXPECT_EQ(read.get<std::string>(), parameter.value.text()) << key;
          break;
        case Value::Kind::List:
          EXPECT_EQ(read.size(), parameter.value.list().size()) << key;
          break;
        case Value::Kind::Table:
          EXPECT_EQ(read.size(), parameter.value.table().size()) << key;
          break;
      }
    }
  }
}

TEST(SurveyResolve, TellsTheProgrammerOfAWrongKey) {
  auto const survey = parse("'lv3'");
  auto const lv3 = survey.resolve("lv3", "ngc0628", &survey.bands[0]);
  EXPECT_THROW(lv3.real("jwst_parameters.resample.pixfrak"), ContractViolation);
  EXPECT_THROW(lv3.integer("jwst_parameters.resample.kernel"), ContractViolation);
  EXPECT_THROW(survey.resolve("lv4", "ngc0628"), ContractViolation);
}

TEST(SurveyErrors, NameFileLineKeyExpectedAndFound) {
  auto const problems = problems_of(survey_text("'lv3'", R"([parameters.lv3.jwst_parameters.resample]
pixfrac = "big"
kernel = { miri = "sqare" }
in_memory = 3
[parameters.lv3.jwst_parameters]
skymatch = 7
)"));
  ASSERT_EQ(problems.size(), 4u);
  auto const find = [&](std::string const& key) {
    auto const found = std::find_if(problems.begin(), problems.end(),
                                    [&](Problem const& each) { return each.where.find(key) != std::string::npos; });
    EXPECT_NE(found, problems.end()) << key;
    return found == problems.end() ? Problem{} : *found;
  };
  auto const pixfrac = find("pixfrac");
  EXPECT_EQ(pixfrac.where, "config.toml:6:1: parameters.lv3.jwst_parameters.resample.pixfrac");
  EXPECT_EQ(pixfrac.what, "wrong type");
  EXPECT_EQ(pixfrac.expected, "a number from 0 to 1 [input pixel]");
  EXPECT_EQ(pixfrac.found, "the text 'big'");
  auto const kernel = find("kernel.miri");
  EXPECT_EQ(kernel.what, "value not allowed");
  EXPECT_NE(kernel.expected.find("lanczos3"), std::string::npos);
  EXPECT_EQ(find("in_memory").found, "the number 3");
  EXPECT_EQ(find("skymatch").expected, "a table");
}

TEST(SurveyErrors, ListEverythingAtOnce) {
  SurveyText text{"targets = []\nbands = ['F200W', 'F20W']\nsteps = ['lv3', 'levl_match']\n[parameters.lv33]\n",
                  "raw_dir = 3\n"};
  auto const problems = problems_of(text);
  std::string all;
  for (auto const& problem : problems) all += problem.line() + "\n";
  for (auto const* part : {"targets", "version", "'F20W'", "did you mean 'level_match'?", "parameters.lv33", "raw_dir",
                           "local.toml: reprocess_dir: missing key"})
    EXPECT_NE(all.find(part), std::string::npos) << part << "\nin\n" << all;
}

TEST(SurveyErrors, RefuseRepeatedNames) {
  auto text = survey_text("'lv3'");
  text.config.replace(text.config.find("'F300M'"), 7, "'F200W'");
  ASSERT_EQ(problems_of(text).size(), 1u);
  EXPECT_EQ(problems_of(text)[0].what, "listed twice");
}

TEST(SurveyErrors, CheckValuesOutsideTheirLimits) {
  EXPECT_EQ(problems_of(survey_text("'lv3'", "parameters.lv3.jwst_parameters.resample.pixfrac = 1.5")).size(), 1u);
  EXPECT_EQ(problems_of(survey_text("'lv3'", "parameters.lv3.jwst_parameters.tweakreg.nclip = -1")).size(), 1u);
  EXPECT_EQ(problems_of(survey_text("'lv3'", "parameters.lv3.jwst_parameters.tweakreg.nclip = 2.5")).size(), 1u);
  EXPECT_EQ(problems_of(survey_text("'lv3'", "parameters.lv3.jwst_parameters.tweakreg.nclip = '2pix'")).size(), 1u);
  EXPECT_EQ(problems_of(survey_text("'lv3'", "parameters.lv3.tweakreg_group_dithers = ['mirri']")).size(), 1u);
}

TEST(SurveyErrors, NameUnknownBandsInArguments) {
  auto const problems = problems_of(survey_text("'lv3'", R"([parameters]
get_wcs_adjust.bands = ['F300M', 'F1001W']
astrometric_align.align_mapping = { F770W = 'F1000', F21W = 'F1000W' }
anchoring.ref_band.miri = 'F771W'
)"));
  EXPECT_EQ(problems.size(), 4u);
}

TEST(SurveyWarnings, SuggestTheNearestParameterAndListThem) {
  auto const survey = parse("'lv3'", R"([parameters.lv3]
tweakreg_group_dither = ['miri']
[parameters.lv3.jwst_parameters]
resampel.pixfrac = 0.5
resample.pixfrack = 0.5
)");
  ASSERT_EQ(survey.warnings.size(), 3u);
  std::vector<std::string> remedies;
  for (auto const& warning : survey.warnings) {
    EXPECT_EQ(warning.what, "unknown parameter (ignored)");
    EXPECT_NE(warning.expected.find("one of "), std::string::npos);
    remedies.push_back(warning.remedy);
  }
  std::sort(remedies.begin(), remedies.end());
  EXPECT_EQ(remedies, (std::vector<std::string>{"did you mean 'pixfrac'?", "did you mean 'resample'?",
                                                "did you mean 'tweakreg_group_dithers'?"}));
}

TEST(SurveyWarnings, TakeRetiredParametersAndUnknownTopLevelKeysLightly) {
  auto const survey = parse("'lv3'",
                            "stepps = 1\nraw_dir = '/raw'\nlv3.x = 1\n"
                            "parameters.lv3.jwst_parameters.tweakreg.align_to_gaia = false\n");
  ASSERT_EQ(survey.warnings.size(), 4u);
  std::string all;
  for (auto const& warning : survey.warnings) all += warning.line() + "\n";
  for (auto const* part :
       {"did you mean 'steps'?", "move it to local.toml", "write [parameters.lv3]", "use abs_refcat"})
    EXPECT_NE(all.find(part), std::string::npos) << part << "\nin\n" << all;
}

TEST(SurveyWarnings, NoticeMisspeltBandsAndInstrumentsButNotTargets) {
  auto const survey = parse("'lv3'", R"([parameters.lv3.jwst_parameters.resample]
pixfrac = { nircam_sort = 0.5, ngc9999 = 0.5, F770W_bgr = 0.5, F200W_niriss = 0.5 }
)");
  ASSERT_EQ(survey.warnings.size(), 2u);
  EXPECT_EQ(survey.warnings[0].remedy, "name the band without _bgr");
  EXPECT_EQ(survey.warnings[1].remedy, "did you mean 'nircam_short'?");
}

TEST(SurveyNotBuilt, NamesStepsAndParameters) {
  auto const survey = parse("'lv1', 'lv3'", R"([parameters.lv1]
jwst_parameters.jump.find_showers = true
[parameters.lv3]
process_bgr_like_science = false
jwst_parameters.resample.propagate_dq = true
jwst_parameters.tweakreg.minobj = 15
jwst_parameters.resample.rotation = 0
jwst_parameters.resample.in_memory = true
)");
  ASSERT_EQ(survey.not_built.size(), 2u);
  EXPECT_EQ(survey.not_built[0].found, "'lv1'");
  EXPECT_EQ(survey.not_built[1].where, "config.toml:9:26: parameters.lv3.jwst_parameters.resample.propagate_dq");
}

TEST(SurveySteps, KnowsDestripingOfCountRates) {
  auto const rates = parse("'single_tile_destripe.nircam', 'lv2', 'single_tile_destripe.miri'");
  EXPECT_TRUE(rates.not_built.empty());
  EXPECT_TRUE(rates.steps[0].takes_rates);
  EXPECT_FALSE(rates.steps[1].takes_rates);
  EXPECT_FALSE(rates.steps[2].takes_rates);
}

TEST(SurveyTessera, ReadsOurTable) {
  auto text = survey_text("'lv3'", "[tessera]\nkeep_hdf5 = true\nmemory_per_rank = '4 GB'\non_error = 'stop'\n");
  text.local += "[tessera]\nmemory_per_rank = '2 GB'\ncompat = 'pjpipe-1.2.1'\n";
  text.local += "inputs = ['exposures', '/abs/a_cal.fits']\n";
  text.local_name = "/etc/survey/local.toml";
  auto const survey = parse_survey(text);
  EXPECT_TRUE(survey.tessera.keep_hdf5);
  EXPECT_EQ(survey.tessera.memory_per_rank_byte, std::int64_t{2} << 30);
  EXPECT_EQ(survey.tessera.on_error, OnError::Stop);
  EXPECT_TRUE(survey.tessera.compat_pjpipe_121);
  EXPECT_EQ(survey.tessera.inputs, (std::vector<std::filesystem::path>{"/etc/survey/exposures", "/abs/a_cal.fits"}));
}

TEST(SurveyTessera, ComparesWithThePreviousVersionThatIsNamed) {
  EXPECT_EQ(parse("'lv3'", "[tessera]\nprevious_version = 'v0'\n").tessera.previous_version, "v0");
  EXPECT_EQ(parse("'lv3'").tessera.previous_version, "");
  std::string const theirs = "[parameters.regress_against_previous]\nprev_version = 'v0p9'\n";
  EXPECT_EQ(parse("'lv3', 'regress_against_previous'", theirs).tessera.previous_version, "v0p9");
  EXPECT_EQ(parse("'lv3'", theirs).tessera.previous_version, "") << "not listed";
  EXPECT_EQ(parse("'lv3', 'regress_against_previous'", theirs + "[tessera]\nprevious_version = 'v0'\n")
                .tessera.previous_version,
            "v0");
}

TEST(SurveyTessera, NeedsNoRawFolderWhereInputsAreGiven) {
  auto text = survey_text("'lv3'");
  text.local = "reprocess_dir = '/work'\n";
  ASSERT_EQ(problems_of(text).size(), 1u);
  text.local += "tessera.inputs = ['x']\n";
  EXPECT_TRUE(problems_of(text).empty());
}

TEST(SurveyTessera, RefusesUnknownKeysAndSmallMemory) {
  auto const unknown = problems_of(survey_text("'lv3'", "tessera.keep_hdf = true"));
  ASSERT_EQ(unknown.size(), 1u);
  EXPECT_EQ(unknown[0].remedy, "did you mean 'keep_hdf5'?");
  EXPECT_EQ(problems_of(survey_text("'lv3'", "tessera.previous_version = 'v1'")).size(), 1u) << "its own";
  EXPECT_EQ(problems_of(survey_text("'lv3'", "tessera.memory_per_rank = '0 MB'")).size(), 1u);
  EXPECT_EQ(problems_of(survey_text("'lv3'", "tessera.memory_per_rank = 'lots'")).size(), 1u);
  EXPECT_EQ(problems_of(survey_text("'lv3'", "tessera.keep_hdf5 = { miri = true }")).size(), 1u);
}

TEST(SurveyJson, IsValidAndComplete) {
  auto const json = nlohmann::json::parse(parse("'lv3'", "parameters.lv3.overwrite = true").json());
  EXPECT_EQ(json.at("targets").size(), 2u);
  EXPECT_EQ(json.at("bands").at(3), "F770W_bgr");
  EXPECT_EQ(json.at("parameters").at("lv3").at("overwrite"), true);
  EXPECT_EQ(json.at("local").at("raw_dir"), "/raw");
}

TEST(ConfigErrorsText, SaysThatThereAreMore) {
  ConfigErrors const errors({{.what = "one"}, {.what = "two"}, {.what = "three"}});
  EXPECT_STREQ(errors.what(), "one (remedy: 2 more below it)");
  EXPECT_EQ(errors.status(), ExitStatus::WrongUse);
}
