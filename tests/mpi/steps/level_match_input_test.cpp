// level_match on input that is no good: it says so, and does everything else.
#include <gtest/gtest.h>

#include "level_survey.hpp"
#include "tessera/core/error.hpp"

namespace tessera::steps {
namespace {

TEST(LevelMatchInput, TakesABrokenExposureOutAndFinishesTheRest) {
  LevelSurvey survey("level-broken", make_mosaic());
  if (survey.world.is_root()) std::filesystem::resize_file(survey.records[4].path, 9000);
  survey.world.barrier();
  auto const outcome = survey.run();
  ASSERT_EQ(outcome.failures.size(), 1u);
  EXPECT_EQ(outcome.failures[0].item, survey.records[4].identity.label());
  EXPECT_NE(outcome.failures[0].message.find("_cal.fits"), std::string::npos) << outcome.failures[0].message;
  EXPECT_TRUE(survey.entries(4).empty());
  for (std::size_t k = 0; k < survey.size(); ++k)
    EXPECT_NEAR(k == 4 ? survey.left(0) : survey.left(k), survey.left(0), 3e-4);
}

TEST(LevelMatchInput, LeavesIslandsAndLonelyExposuresTheirOwnLevel) {
  auto exposures = make_mosaic();
  add_tile(exposures, 5, 300, 0);     // a tile far away: an island
  LevelExposure wild = exposures[0];  // of the first dither group, on another part of the sky
  wild.name = "jw02107001001_01101_00009_nrcalong";
  wild.dec0 = -60;
  wild.level = 0.4;
  LevelExposure empty = exposures[3];  // all its pixels are flagged
  empty.name = "jw02107001001_02101_00009_nrcalong";
  empty.spoil = [](auto&, auto&, auto& dq) { dq.assign(dq.size(), 1); };
  exposures.push_back(wild);
  exposures.push_back(empty);
  LevelSurvey survey("level-islands", exposures);
  survey.settings["do_local_subtraction"] = config::Value(false);
  auto const outcome = survey.run();
  EXPECT_TRUE(outcome.failures.empty());
  for (std::size_t k = 0; k < 12; ++k) EXPECT_NEAR(survey.left(k), survey.left(0), 3e-4);
  for (std::size_t k = 12; k < 15; ++k) EXPECT_NEAR(survey.left(k), survey.left(12), 3e-4);
  for (std::size_t k = 15; k < 17; ++k) EXPECT_EQ(survey.level(k), 0) << "exactly";
}

TEST(LevelMatchInput, IgnoresPixelsWithoutAnError) {
  auto exposures = make_mosaic();
  auto const spoil = [](float bad) {
    return [bad](std::vector<float>& sci, std::vector<float>& err, auto&) {
      for (std::size_t k = 0; k < err.size(); k += 11) {
        err[k] = bad;
        sci[k] = 1000;
      }
    };
  };
  exposures[1].spoil = spoil(std::numeric_limits<float>::infinity());
  exposures[5].spoil = spoil(-std::numeric_limits<float>::infinity());
  exposures[7].spoil = [](auto&, std::vector<float>& err, auto&) { err.assign(err.size(), -1.0f); };
  LevelSurvey survey("level-errors", exposures);
  auto const outcome = survey.run();
  EXPECT_TRUE(outcome.failures.empty());
  for (std::size_t k = 0; k < 12; ++k) EXPECT_NEAR(k == 7 ? survey.left(0) : survey.left(k), survey.left(0), 2e-3) << k;
}

TEST(LevelMatchInput, TakesPlainImagesOfVeryDifferentLevels) {
  std::vector<LevelExposure> exposures;
  for (int k = 0; k < 6; ++k) {
    LevelExposure exposure;
    exposure.name = fmt::format("vista{}", k);
    exposure.east = 1.1 * k;
    exposure.north = k % 2 ? 0.7 : -0.7;
    exposure.angle = 5.0 * k;
    exposure.level = 3000.0 * k;
    exposure.noise = 0.5;
    exposures.push_back(exposure);
  }
  LevelSurvey survey("level-plain", exposures);
  EXPECT_TRUE(survey.run().failures.empty());
  for (std::size_t k = 0; k < 6; ++k) EXPECT_NEAR(survey.left(k), survey.left(0), 0.05);
}

TEST(LevelMatchInput, OfOneExposureIsItsLocalMedian) {
  LevelExposure one;
  one.name = "jw02107001001_01101_00001_nrcalong";
  one.level = 5;
  LevelSurvey survey("level-one", {one});
  EXPECT_TRUE(survey.run().failures.empty());
  ASSERT_EQ(survey.entries(0).size(), 1u);
  EXPECT_NEAR(survey.level(0), 7, 1);
  survey.label = "off";
  survey.settings["do_local_subtraction"] = config::Value(false);
  survey.run();
  EXPECT_EQ(survey.level(0), 0);
}

TEST(LevelMatchInput, SaysWhatMemoryItLacks) {
  LevelSurvey survey("level-memory", make_mosaic());
  try {
    survey.run(survey.world, 1 << 10);
    FAIL() << "a kilobyte cannot be enough";
  } catch (BudgetError const& error) {
    EXPECT_NE(std::string(error.what()).find("--memory-per-rank"), std::string::npos) << error.what();
  }
  survey.world.barrier();
}

TEST(LevelMatchInput, DoesNotTrustAnOverlapOfThreePixels) {
  std::vector<LevelExposure> exposures(3);
  for (std::size_t k = 0; k < 3; ++k) exposures[k].name = fmt::format("jw02107001001_0{}101_00001_nrcalong", k + 1);
  exposures[1].east = 6.2;  // two columns, and two rows: four pixels of the grid, less at its edges
  exposures[1].north = 4.6;
  exposures[1].level = 0.5;
  exposures[2].east = -3;
  exposures[2].level = -0.2;
  LevelSurvey survey("level-three", exposures);
  survey.settings["do_local_subtraction"] = config::Value(false);
  EXPECT_TRUE(survey.run().failures.empty());
  EXPECT_EQ(survey.level(1), 0) << "exactly";
  EXPECT_NEAR(survey.left(2), survey.left(0), 2e-4);
  auto const pairs = survey.text("level_match_pairs.csv");
  EXPECT_NE(pairs.find(",0,short axis,"), std::string::npos) << pairs;
}

TEST(LevelMatchInput, JoinsByALevelWhereThePlaneOfAPairIsSingular) {
  // The second exposure has data in two columns only, between which one of the grid lies.
  std::vector<LevelExposure> exposures(2);
  for (std::size_t k = 0; k < 2; ++k) exposures[k].name = fmt::format("jw02107001001_01101_0000{}_nrcalong", k + 1);
  exposures[1].level = 0.5;
  exposures[1].spoil = [](std::vector<float>& sci, auto&, auto&) {
    for (std::size_t k = 0; k < sci.size(); ++k)
      if (k % 64 != 30 && k % 64 != 31) sci[k] = NAN;
  };
  LevelSurvey survey("level-singular", exposures);
  survey.settings["fit_type_dithers"] = config::Value("level+slope");
  EXPECT_TRUE(survey.run().failures.empty());
  auto const first = std::get<model::SkyPlaneCorrection>(survey.entries(0).at(0).correction);
  auto const second = std::get<model::SkyPlaneCorrection>(survey.entries(1).at(0).correction);
  EXPECT_EQ(first.slope_x, 0);
  EXPECT_EQ(second.slope_y, 0);
  EXPECT_NEAR(second.level - first.level, 0.5, 1e-5);
}

TEST(LevelMatchInput, KeepsAWildPixelScaleOutOfTheGrid) {
  auto exposures = make_mosaic();
  LevelSurvey survey("level-scale", exposures);
  if (survey.world.is_root()) {
    // The same pixels with a scale a million times smaller.
    model::Header image;
    test::set_tan(image, 64, 48, 30, 10, 1e-7);
    test::write_exposure(survey.records[1].path, 64, 48, test::nircam_primary(), image,
                         {{"SCI", std::vector<float>(64 * 48, 1)}, {"ERR", std::vector<float>(64 * 48, 1)}});
  }
  survey.world.barrier();
  EXPECT_TRUE(survey.run().failures.empty());
  for (std::size_t k = 0; k < 12; ++k) {
    if (k == 1) continue;
    EXPECT_NEAR(survey.left(k), survey.left(0), 3e-4);
  }
}

}  // namespace
}  // namespace tessera::steps
