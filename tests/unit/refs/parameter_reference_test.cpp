#include "tessera/refs/parameter_reference.hpp"

#include <gmock/gmock.h>

#include "small_cache.hpp"
#include "tessera/core/error.hpp"

namespace tessera::refs {

namespace {

using ::testing::HasSubstr;

std::string asdf(std::string const& tree) {
  return "#ASDF 1.0.0\n#ASDF_STANDARD 1.5.0\n%YAML 1.1\n%TAG ! tag:stsci.edu:asdf/\n--- !core/asdf-1.1.0\n" + tree +
         "...\n";
}

std::string rules_for(std::string const& file) {
  return test::rmap_text("'META.EXPOSURE.TYPE',",
                         "('MIR_IMAGE',) : UseAfter({'2020-01-01 00:00:00' : '" + file + "'})");
}

/// A cache with pars of one step and of its pipeline.
class StepParametersTest : public ::testing::Test {
 protected:
  test::SmallCache cache_{"refs-pars"};

  void SetUp() override {
    cache_.add("pars-photomstep", rules_for("jwst_miri_pars-photomstep_0001.asdf"));
    cache_.add("pars-image2pipeline", rules_for("jwst_miri_pars-image2pipeline_0001.asdf"));
    test::write_text(cache_.reference("jwst_miri_pars-photomstep_0001.asdf"),
                     asdf("class: jwst.photom.photom_step.PhotomStep\nname: photom\nparameters: {skip: true, inverse: "
                          "'True', source_type: None, scale: '2.5'}\n"));
    test::write_text(
        cache_.reference("jwst_miri_pars-image2pipeline_0001.asdf"),
        asdf("class: jwst.pipeline.Image2Pipeline\nname: Image2Pipeline\nparameters: {save_bsub: false}\nsteps:\n"
             "- {class: a.PhotomStep, name: photom, parameters: {skip: false}}\n"
             "- {class: a.BackgroundStep, name: bkg_subtract, parameters: {sigma: 2, maxiters: 5.0}}\n"));
  }
  StepParameters collect(bool enabled = true) {
    return collect_step_parameters(cache_.selector(), test::miri_exposure(), "image2", enabled);
  }
};

TEST_F(StepParametersTest, ThePipelineGoesOverTheSteps) {
  auto const parameters = collect();
  EXPECT_TRUE(parameters.notes.empty());
  EXPECT_EQ(parameters.boolean("photom.skip"), false);
  EXPECT_EQ(parameters.source.at("photom.skip"), "jwst_miri_pars-image2pipeline_0001.asdf");
  EXPECT_EQ(parameters.boolean("photom.inverse"), true);
  EXPECT_EQ(parameters.source.at("photom.inverse"), "jwst_miri_pars-photomstep_0001.asdf");
  EXPECT_EQ(parameters.boolean("save_bsub"), false);
  EXPECT_EQ(parameters.real("bkg_subtract.sigma"), 2.0);
}

TEST_F(StepParametersTest, OneSwitchTakesThemAway) {
  EXPECT_TRUE(collect(false).by_key.empty());
  for (auto const& [text, enabled] :
       {std::pair{"true", false}, {"True", false}, {"1", false}, {"false", true}, {"", true}}) {
    test::WithEnvironment const variable("STPIPE_DISABLE_CRDS_STEPPARS", text);
    EXPECT_EQ(parameter_references_enabled(), enabled) << text;
  }
  test::WithEnvironment const none("STPIPE_DISABLE_CRDS_STEPPARS", nullptr);
  EXPECT_TRUE(parameter_references_enabled());
}

TEST_F(StepParametersTest, TextsAreConvertedAndNoneIsNothing) {
  auto const parameters = collect();
  EXPECT_EQ(parameters.text("photom.source_type"), std::nullopt);
  EXPECT_FALSE(parameters.has("photom.source_type"));
  EXPECT_EQ(parameters.real("photom.scale"), 2.5);
  EXPECT_EQ(parameters.text("photom.scale"), "2.5");
  EXPECT_EQ(parameters.integer("bkg_subtract.maxiters"), 5);
  EXPECT_EQ(parameters.text("bkg_subtract.sigma"), "2");
  EXPECT_EQ(parameters.real("resample.pixfrac"), std::nullopt);
  try {
    parameters.integer("photom.scale");
    ADD_FAILURE() << "2.5 is no integer";
  } catch (InputError const& error) {
    EXPECT_THAT(error.what(), HasSubstr("jwst_miri_pars-photomstep_0001.asdf: photom.scale"));
  }
  EXPECT_THROW(parameters.boolean("bkg_subtract.sigma"), InputError);
}

TEST_F(StepParametersTest, AMissingOrBrokenReferenceGivesNoParametersAndANote) {
  test::write_text(cache_.reference("jwst_miri_pars-image2pipeline_0001.asdf"),
                   "#ASDF 1.0.0\n%YAML 1.1\n--- {a: [}\n...\n");
  std::filesystem::remove(cache_.reference("jwst_miri_pars-photomstep_0001.asdf"));
  auto const parameters = collect();
  EXPECT_TRUE(parameters.by_key.empty());
  ASSERT_EQ(parameters.notes.size(), 2U);
  EXPECT_THAT(parameters.notes[0], HasSubstr("pars-photomstep"));
  EXPECT_THAT(parameters.notes[1], HasSubstr("pars-image2pipeline"));
}

TEST_F(StepParametersTest, ATypeWithoutRulesIsSilentButBrokenRulesAreNot) {
  cache_.say("pars-photomstep", "N/A");
  test::write_text(cache_.rmap("pars-image2pipeline"), "header = ");
  auto const parameters = collect();
  EXPECT_TRUE(parameters.by_key.empty());
  ASSERT_EQ(parameters.notes.size(), 1U);
  EXPECT_THAT(parameters.notes[0], HasSubstr("pars-image2pipeline_0001.rmap"));
}

TEST(ReadParameterReference, ReadsTheSharedFiles) {
  SKIP_WITHOUT_SHARED("data/asdf");
  auto const pipeline = read_parameter_reference(test::shared_dir() / "data/asdf/synthetic_pars-image2pipeline.asdf");
  EXPECT_EQ(pipeline.class_name, "jwst.pipeline.Image2Pipeline");
  EXPECT_EQ(*pipeline.own.at("save_results").boolean(), true);
  EXPECT_EQ(pipeline.of_steps.at("bkg_subtract.sigma").real(), 2.5);
  EXPECT_EQ(*pipeline.of_steps.at("resample.skip").boolean(), true);
  EXPECT_EQ(pipeline.of_steps.size(), 3U);
  auto const step = read_parameter_reference(test::shared_dir() / "data/asdf/synthetic_pars-tweakregstep.asdf");
  EXPECT_EQ(step.name, "tweakreg");
  EXPECT_EQ(step.own.at("kernel_fwhm").real(), 2.1);
  EXPECT_EQ(step.own.at("snr_threshold").real(), 8.0);
  EXPECT_TRUE(step.of_steps.empty());
}

TEST(ReadParameterReference, ReadsTheOlderFormAndJson) {
  test::ScratchFolder const folder("refs-older");
  auto const older = folder.path() / "older.asdf", json = folder.path() / "pars.json";
  test::write_text(
      older, asdf("parameters:\n  class: jwst.pipeline.Image2Pipeline\n  name: Image2Pipeline\n  save_bsub: true\n"
                  "  steps: {flat_field: {skip: 'False'}, photom: {inverse: true}}\n"));
  auto const old = read_parameter_reference(older);
  EXPECT_EQ(old.name, "Image2Pipeline");
  EXPECT_EQ(old.own.size(), 1U);
  EXPECT_EQ(*old.of_steps.at("flat_field.skip").string(), "False");
  EXPECT_EQ(*old.of_steps.at("photom.inverse").boolean(), true);
  test::write_text(json,
                   R"({"class": "x.Step", "name": "tweakreg", "parameters": {"a": 1, "b": [1.5, null], "c": "x"}})");
  auto const step = read_parameter_reference(json);
  EXPECT_EQ(*step.own.at("a").integer(), 1);
  EXPECT_EQ(step.own.at("b").sequence_items()->front().real(), 1.5);
  EXPECT_EQ(*step.own.at("c").string(), "x");
}

TEST(ReadParameterReference, RefusesFilesWithoutParameters) {
  test::ScratchFolder const folder("refs-none");
  auto const path = folder.path() / "x.asdf", json = folder.path() / "x.json";
  test::write_text(path, asdf("class: a\n"));
  EXPECT_THROW(read_parameter_reference(path), InputError);
  test::write_text(path, asdf("parameters: 3\n"));
  EXPECT_THROW(read_parameter_reference(path), InputError);
  test::write_text(json, "{\"parameters\": ");
  EXPECT_THROW(read_parameter_reference(json), InputError);
  EXPECT_THROW(read_parameter_reference(folder.path() / "none.asdf"), InputError);
}

}  // namespace

}  // namespace tessera::refs
