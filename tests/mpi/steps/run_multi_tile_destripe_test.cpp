// multi_tile_destripe on several ranks: stripes that are known are found, in every geometry.
#include <gtest/gtest.h>

#include "striped_survey.hpp"

namespace tessera::steps {
namespace {

constexpr double Noise = 0.02, Stripes = 0.05;
/// Noise of the median of a row of one amplifier of 256 / 4 columns.
constexpr double Floor = 1.2533 * Noise / 8;
/// Stripes of four exposures that have nothing to do with each other: their mean stays in the stack, and in all of
/// them.
double const meanOfFour = std::hypot(Stripes / 2, 2 * Floor);

constexpr double Offsets[8][3] = {{0, 0, 0},       {9.4, 8.3, 0.3},  {-7, 6, -0.2},    {5, -9.6, 0.1},
                                  {-5.5, -3.2, 0}, {3.1, 4.7, -0.3}, {-2.6, 9.3, 0.2}, {8.2, -6.1, 0}};

StripedFrame dithered(StripedFrame frame, int dither) {
  frame.dx = Offsets[dither][0];
  frame.dy = Offsets[dither][1];
  frame.angle_deg += Offsets[dither][2];
  return frame;
}

void add_dithers(StripedSurvey& survey, StripedFrame const& frame = {}) {
  for (int k = 0; k < 4; ++k) survey.add(dithered(frame, k));
}

double worst_residual(StripedSurvey const& survey) {
  double worst = 0;
  for (std::size_t k = 0; k < survey.records.size(); ++k) worst = std::max(worst, rms_of(survey.residual(k)));
  return worst;
}

TEST(RunMultiTileDestripe, LeavesTheMeanOfIndependentStripes) {
  StripedSurvey survey("destripe-recover");
  add_dithers(survey);
  survey.label = "first pass";
  EXPECT_TRUE(survey.run({{"do_large_scale", false}}).failures.empty());
  double const first = worst_residual(survey);
  EXPECT_LT(first, meanOfFour);
  EXPECT_EQ(survey.entries(0).size(), 1u);
  survey.label = "both passes";
  EXPECT_TRUE(survey.run().failures.empty());
  double const both = worst_residual(survey);
  EXPECT_LT(both, first);
  auto const entries = survey.entries(0);
  ASSERT_EQ(entries.size(), 2u);
  auto const& stripes = std::get<model::StripeCorrection>(entries[0].correction);
  EXPECT_EQ(stripes.direction, model::StripeCorrection::Direction::Rows);
  EXPECT_EQ(stripes.bounds, (std::vector<std::int64_t>{0, 64, 128, 192, 256}));
  survey.label = "repeated";
  EXPECT_TRUE(survey.run({{"do_convergence", true}, {"convergence_sigma", 0.1}}).failures.empty());
  EXPECT_LT(worst_residual(survey), 0.8 * both);
  EXPECT_FALSE(std::filesystem::exists(survey.tasks({}).front().scratch));
}

TEST(RunMultiTileDestripe, FindsTheStripesOfOneExposureToTheNoise) {
  StripedSurvey survey("destripe-one");
  for (int k = 0; k < 8; ++k) {
    StripedFrame frame;
    frame.stripes = k == 0 ? Stripes : 0;
    survey.add(dithered(frame, k));
  }
  for (char const* method : {"median", "sigma_clip"}) {
    survey.label = method;
    EXPECT_TRUE(survey.run({{"weight_method", method}}).failures.empty());
    EXPECT_LT(rms_of(without_levels(survey.residual(0))), 3 * Floor) << "the median of eight gives way to one a little";
    // Spec 40, behavioural test 3: nothing is found where nothing is, to twice the noise of the medians.
    for (std::size_t k = 1; k < 8; ++k) EXPECT_LT(rms_of(without_levels(survey.residual(k))), 2 * Floor);
    EXPECT_LT(worst_residual(survey), 3 * Floor) << "with levels of amplifiers, from 256 rows";
  }
  for (char const* weight : {"equal", "exptime"}) {
    survey.label = weight;
    EXPECT_TRUE(survey.run({{"weight_type", weight}}).failures.empty());
    EXPECT_LT(rms_of(survey.residual(0)), std::hypot(Stripes / 8, 3 * Floor));
  }
}

TEST(RunMultiTileDestripe, SecondPassTakesOutWhatTheAverageStillHas) {
  StripedSurvey survey("destripe-common");
  StripedFrame frame;
  frame.common = true;  // whole rows are what the second pass sees
  add_dithers(survey, frame);
  survey.label = "first pass";
  survey.run({{"do_large_scale", false}, {"quadrants", false}});
  double const first = worst_residual(survey);
  survey.label = "both passes";
  survey.run({{"large_scale_filter_scale", std::int64_t{101}}, {"quadrants", false}});
  EXPECT_LT(worst_residual(survey), 0.8 * first);
  auto const entries = survey.entries(2);
  EXPECT_EQ(std::get<model::StripeCorrection>(entries[0].correction).bounds.size(), 2u);
}

TEST(RunMultiTileDestripe, WorksForAnyOrientationOnTheSky) {
  for (double const angle : {90.0, 37.0}) {  // vertical stripes on the grid, and a grid that is turned with them
    StripedSurvey survey("destripe-angle");
    StripedFrame frame;
    frame.angle_deg = angle;
    add_dithers(survey, frame);
    EXPECT_TRUE(survey.run().failures.empty());
    EXPECT_LT(worst_residual(survey), meanOfFour) << angle;
  }
  StripedSurvey survey("destripe-rolls");
  for (int k = 0; k < 4; ++k) {
    StripedFrame frame;
    frame.angle_deg = 37 * k;
    frame.common = true;
    survey.add(dithered(frame, k));
  }
  EXPECT_TRUE(survey.run({{"quadrants", false}}).failures.empty());
  EXPECT_LT(worst_residual(survey), Stripes / 3) << "stripes that cross average out in the stack";
}

TEST(RunMultiTileDestripe, FollowsTheFastAxis) {
  StripedSurvey survey("destripe-turned");
  StripedFrame frame;
  frame.along_y = true;
  add_dithers(survey, frame);
  EXPECT_TRUE(survey.run().failures.empty());
  EXPECT_LT(worst_residual(survey), meanOfFour);
  auto const entries = survey.entries(1);
  auto const& stripes = std::get<model::StripeCorrection>(entries[0].correction);
  EXPECT_EQ(stripes.direction, model::StripeCorrection::Direction::Columns);
  EXPECT_EQ(stripes.bounds.size(), 5u);
}

TEST(RunMultiTileDestripe, LevelsTheAmplifiers) {
  StripedSurvey survey("destripe-levels");
  StripedFrame frame;
  frame.amplifier_level = {0, 0.5, -0.3, 1};
  add_dithers(survey, frame);
  EXPECT_TRUE(survey.run().failures.empty());
  EXPECT_LT(worst_residual(survey), meanOfFour);
}

TEST(RunMultiTileDestripe, MatchesLevelsForTheStackAndLeavesThemInTheExposures) {
  StripedSurvey survey("destripe-match");
  for (int k = 0; k < 4; ++k) {
    StripedFrame frame = dithered({}, k);
    frame.dx *= 8;  // the exposures end inside each other: levels make edges in a stack that does not match them
    frame.dy *= 8;
    frame.level = 0.4 * k;
    frame.stripes = 0.01;
    survey.add(frame);
  }
  survey.label = "as they are";
  EXPECT_TRUE(survey.run().failures.empty());
  double const as_they_are = worst_residual(survey);
  survey.label = "matched";
  EXPECT_TRUE(survey.run({{"do_level_match", true}}).failures.empty());
  EXPECT_LT(worst_residual(survey), 0.3 * as_they_are);
  EXPECT_LT(worst_residual(survey), 0.02);
}

TEST(RunMultiTileDestripe, LeavesTheCoronagraphsOfMiriOutOfItsMedians) {
  StripedSurvey survey("destripe-miri");
  StripedFrame frame;
  frame.instrument = "MIRI";
  frame.side = 400;  // the four "amplifiers" of the truth end at 100, 200, 300, 400
  for (int k = 0; k < 8; ++k) {
    frame.stripes = k == 0 ? Stripes : 0;
    survey.add(dithered(frame, k), "F770W");
  }
  EXPECT_TRUE(survey.run({{"weight_method", "median"}}).failures.empty());
  EXPECT_LT(rms_of({survey.residual(0)[3]}), 0.2 * Stripes) << "columns from 300 on are measured";
  auto const entries = survey.entries(0);
  auto const& stripes = std::get<model::StripeCorrection>(entries[0].correction);
  EXPECT_EQ(stripes.bounds, (std::vector<std::int64_t>{0, 400})) << "and all are corrected";
}

TEST(RunMultiTileDestripe, TakesColumnsToo) {
  StripedSurvey survey("destripe-columns");
  add_dithers(survey);
  EXPECT_TRUE(survey.run({{"do_vertical_subtraction", true}}).failures.empty());
  auto const entries = survey.entries(0);
  ASSERT_EQ(entries.size(), 4u) << "rows and columns, in both passes";
  EXPECT_EQ(std::get<model::StripeCorrection>(entries[1].correction).direction,
            model::StripeCorrection::Direction::Columns);
  EXPECT_LT(worst_residual(survey), meanOfFour);
}

}  // namespace
}  // namespace tessera::steps
