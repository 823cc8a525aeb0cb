// From the configured list of steps to the ledger steps of each band.
#include "tessera/pipeline/planned_steps.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "support/test_files.hpp"

namespace tessera::pipeline {
namespace {

using Names = std::vector<std::string>;
using model::Half;
using testing::ElementsAre;
using testing::HasSubstr;

/// Two bands of one target: three NIRCam exposures, two full frames and one subarray of MIRI.
class PlanStepsTest : public testing::Test {
 protected:
  PlannedSteps plan(std::string const& steps, std::string const& parameters = "") {
    survey_ = config::parse_survey(
        {"targets = ['ngc0628']\nversion = 'v1'\nbands = ['F300M', 'F770W']\nsteps = [" + steps + "]\n" + parameters,
         "raw_dir = '/raw'\nreprocess_dir = '" + scratch_.path().string() + "'\nalignment_dir = '/align'\n"});
    inventory_ = {};
    for (int k = 0; k < 6; ++k) {
      store::ExposureRecord record;
      record.identity = {"ngc0628", k < 3 ? "F300M" : "F770W", "jw" + std::to_string(k), Half::Whole};
      record.nx = k < 3 ? 2048 : k < 5 ? 1032 : 256;
      record.ny = k < 3 ? 2048 : k < 5 ? 1024 : 256;
      inventory_.records.push_back(record);
    }
    return plan_steps(survey_, inventory_, {{{0, 1, 2}, {3, 4, 5}}});
  }
  Names labels(std::vector<int> const& members) const {
    Names names;
    for (int const member : members)
      names.push_back(inventory_.records.at(static_cast<std::size_t>(member)).identity.label());
    return names;
  }
  static Names steps_of(PlannedSteps const& plan, std::string const& band) {
    Names names;
    for (auto const& [step, path] : ledger_files(plan.steps, "ngc0628", band, 1000))
      names.push_back(path.filename().string());
    return names;
  }

  test::ScratchFolder scratch_{"planned_steps"};
  config::Survey survey_;
  store::Inventory inventory_;
};

TEST_F(PlanStepsTest, FollowsTheConfiguredOrder) {
  auto const skip = "[parameters.lv3.jwst_parameters]\ntweakreg.skip = true\nskymatch.skip = true\n";
  auto const usual = plan("'level_match', 'multi_tile_destripe.nircam', 'lv3'", skip);
  EXPECT_THAT(steps_of(usual, "F300M"),
              ElementsAre("01_level_match.h5", "02_multi_tile_destripe.h5", "05_outlier_detection.h5"));
  EXPECT_THAT(steps_of(usual, "F770W"), ElementsAre("01_level_match.h5", "05_outlier_detection.h5"));
  // As the M33 configuration has it.
  auto const other = plan("'multi_tile_destripe.nircam', 'level_match', 'lv3'", skip);
  EXPECT_THAT(steps_of(other, "F300M"),
              ElementsAre("01_multi_tile_destripe.h5", "02_level_match.h5", "05_outlier_detection.h5"));
}

TEST_F(PlanStepsTest, TheOfficialStepsComeInTheOfficialOrder) {
  auto const both = plan("'lv3'");
  EXPECT_THAT(steps_of(both, "F770W"), ElementsAre("01_tweakreg.h5", "02_skymatch.h5", "03_outlier_detection.h5"));
  auto const none = plan(
      "'lv3'",
      "[parameters.lv3.jwst_parameters]\ntweakreg.skip = true\nskymatch.skip = true\noutlier_detection.skip = true\n");
  EXPECT_TRUE(none.steps.empty());
}

TEST_F(PlanStepsTest, ASeparatedCoronagraphMakesHalvesFromThereOn) {
  auto const separated = plan("'level_match', 'lyot_separate.miri', 'lv3'");
  ASSERT_EQ(separated.steps.size(), 5u);
  EXPECT_EQ(separated.steps[0].bands[1].members, (std::vector<int>{3, 4, 5}));
  Names const halves{"ngc0628/F770W/jw3:imager", "ngc0628/F770W/jw3:lyot", "ngc0628/F770W/jw4:imager",
                     "ngc0628/F770W/jw4:lyot", "ngc0628/F770W/jw5:imager"};
  ASSERT_EQ(separated.steps[1].bands.size(), 1u) << "NIRCam has no coronagraph to separate";
  EXPECT_EQ(labels(separated.steps[1].bands[0].members), halves);
  EXPECT_EQ(labels(separated.steps[4].bands[1].members), halves);
  EXPECT_EQ(labels(separated.members[0][1]), halves);
  EXPECT_EQ(separated.members[0][0], (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(members_after(separated.steps, separated.exposures[1], 1), (std::vector<int>{3, 4, 5}));
  EXPECT_EQ(labels(members_after(separated.steps, separated.exposures[1], 2)), halves);
}

TEST_F(PlanStepsTest, LevelMatchMayJoinTheHalvesAgain) {
  auto const joined =
      plan("'lyot_separate.miri', 'level_match', 'lv3'", "[parameters.level_match]\nrecombine_lyot = true\n");
  EXPECT_EQ(joined.steps[1].bands[1].members.size(), 5u);
  EXPECT_EQ(joined.steps[2].bands[1].members, (std::vector<int>{3, 4, 5}));
  EXPECT_EQ(joined.members[0][1], (std::vector<int>{3, 4, 5}));
}

TEST_F(PlanStepsTest, BothWaysToTreatTheCoronagraphAreRefused) {
  auto const plan_of_both = plan("'lyot_mask.miri', 'lyot_separate.miri', 'lv3'");
  EXPECT_THAT(plan_of_both.missing, ElementsAre(HasSubstr("lyot_mask and lyot_separate")));
}

TEST_F(PlanStepsTest, ShiftsAreMeasuredInTheBandsOfTheListAlone) {
  std::string const bands = "[parameters.get_wcs_adjust]\nbands = ['F300M']\n";
  auto const measured = plan("'get_wcs_adjust', 'apply_wcs_adjust'", bands);
  EXPECT_THAT(measured.missing, ElementsAre()) << "the file of shifts is made by the step before";
  ASSERT_EQ(measured.steps.size(), 2u);
  ASSERT_EQ(measured.steps[0].bands.size(), 1u);
  EXPECT_EQ(measured.steps[0].bands[0].band.name, "F300M");
  EXPECT_EQ(ledger_file(measured.steps[0], measured.steps[0].bands[0]).filename(), "F300M_wcs_adjust.toml");
  EXPECT_EQ(measured.steps[1].bands.size(), 2u);
  EXPECT_THAT(steps_of(measured, "F300M"), ElementsAre("02_apply_wcs_adjust.h5")) << "it corrects nothing by itself";
}

TEST_F(PlanStepsTest, ABandOfTheListThatTheSurveyHasNotIsSaid) {
  auto const unknown = plan("'get_wcs_adjust'", "[parameters.get_wcs_adjust]\nbands = ['F300M', 'F1000W']\n");
  EXPECT_THAT(unknown.missing, ElementsAre(HasSubstr("'F1000W'")));
}

TEST_F(PlanStepsTest, MosaicsAreAlignedAfterTheyAreMade) {
  auto const aligned = plan("'lv3', 'astrometric_align'");
  ASSERT_EQ(aligned.steps.size(), 4u);
  EXPECT_EQ(aligned.steps[3].step->name, "astrometric_align");
  EXPECT_TRUE(aligned.steps[3].step->after_mosaics);
  EXPECT_THAT(aligned.steps[3].bands[0].mosaic.string(),
              testing::EndsWith("F300M/lv3/ngc0628_nircam_lv3_f300m_i2d.fits"));
}

TEST_F(PlanStepsTest, AMissingFileOfShiftsIsSaidBeforeWorkBegins) {
  auto const without = plan("'apply_wcs_adjust', 'lv3'");
  ASSERT_EQ(without.missing.size(), 2u) << "once a band";
  EXPECT_THAT(without.missing.front(), HasSubstr("ngc0628_wcs_adjust.toml"));
  std::filesystem::create_directories(scratch_.path() / "v1" / "ngc0628");
  std::ofstream(scratch_.path() / "v1" / "ngc0628" / "ngc0628_wcs_adjust.toml") << "[wcs_adjust]\n";
  EXPECT_TRUE(plan("'apply_wcs_adjust', 'lv3'").missing.empty());
}

}  // namespace
}  // namespace tessera::pipeline
