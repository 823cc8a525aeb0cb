// multi_tile_destripe with destriping_method = "joint" on several ranks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "striped_survey.hpp"
#include "tessera/io/checksum.hpp"

namespace tessera::steps {
namespace {

constexpr double Noise = 0.02, Stripes = 0.05;
/// Noise of the mean of a row of one amplifier of 256 / 4 columns.
constexpr double Floor = Noise / 8;

StripedSettings joint(StripedSettings settings = {}) {
  settings["destriping_method"] = "joint";
  settings.emplace("do_large_scale", false);
  return settings;
}

/// Four exposures some pixels apart, each turned by `roll` degrees against the one before.
void add_dithers(StripedSurvey& survey, double roll, double step, StripedFrame frame = {}) {
  constexpr double Offsets[4][2] = {{0, 0}, {1, 0.2}, {-0.9, 0.4}, {0.6, -0.5}};
  for (int k = 0; k < 4; ++k) {
    frame.dx = step * Offsets[k][0];
    frame.dy = step * Offsets[k][1];
    frame.angle_deg = roll * k;
    survey.add(frame);
  }
}
/// Rows of each cross those of the next, and hardly a pixel is seen by one exposure alone.
void add_crossing(StripedSurvey& survey, StripedFrame const& frame = {}) { add_dithers(survey, 87, 4, frame); }
/// Rows of all run alike, and amplifiers see parts of the sky that others see too.
void add_parallel(StripedSurvey& survey, StripedFrame const& frame = {}) { add_dithers(survey, 0.2, 40, frame); }

double worst_residual(StripedSurvey const& survey) {
  double worst = 0;
  for (std::size_t k = 0; k < survey.records.size(); ++k) worst = std::max(worst, rms_of(survey.residual(k)));
  return worst;
}

/// The same without rows at the edges, of which the other exposures see little or nothing.
double worst_inner_residual(StripedSurvey const& survey) {
  double worst = 0;
  for (std::size_t k = 0; k < survey.records.size(); ++k) {
    auto rows = survey.residual(k);
    for (auto& amplifier : rows) amplifier = {amplifier.begin() + 8, amplifier.end() - 8};
    worst = std::max(worst, rms_of(rows));
  }
  return worst;
}

std::string text_of(std::filesystem::path const& path) {
  std::ifstream stream(path);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

TEST(RunJointDestripe, FindsStripesThatCrossOnTheSkyToTheNoise) {
  StripedSurvey survey("joint-rolls");
  StripedFrame frame;
  frame.amplifier_level = {0, 0.05, -0.03, 0.1};
  add_crossing(survey, frame);
  survey.label = "joint";
  EXPECT_TRUE(survey.run(joint()).failures.empty());
  // Noise of its own and of the rows crossed; the amplifiers at the sides have columns that others do not see.
  EXPECT_LT(worst_inner_residual(survey), 2 * Floor);
  auto const entries = survey.entries(0);
  ASSERT_EQ(entries.size(), 1u);
  auto const& stripes = std::get<model::StripeCorrection>(entries[0].correction);
  EXPECT_EQ(stripes.bounds, (std::vector<std::int64_t>{0, 64, 128, 192, 256}));
  double const of_joint = worst_inner_residual(survey);
  survey.label = "two passes";
  EXPECT_TRUE(survey.run({{"do_large_scale", false}}).failures.empty());
  EXPECT_LT(of_joint, 0.5 * worst_inner_residual(survey));
}

TEST(RunJointDestripe, LeavesTheMeanOfParallelStripes) {
  StripedSurvey survey("joint-parallel");
  add_parallel(survey);
  survey.label = "one pass";
  EXPECT_TRUE(survey.run(joint()).failures.empty());
  double const first = worst_residual(survey);
  EXPECT_LT(first, std::hypot(Stripes / 2, 3 * Floor));
  survey.label = "both passes";
  EXPECT_TRUE(survey.run(joint({{"do_large_scale", true}})).failures.empty());
  EXPECT_LT(worst_residual(survey), first);
  EXPECT_EQ(survey.entries(0).size(), 2u);
}

TEST(RunJointDestripe, FollowsTheFastAxis) {
  StripedSurvey survey("joint-turned");
  StripedFrame frame;
  frame.along_y = true;
  add_crossing(survey, frame);
  EXPECT_TRUE(survey.run(joint()).failures.empty());
  EXPECT_LT(worst_inner_residual(survey), 2 * Floor);
  auto const entries = survey.entries(1);
  EXPECT_EQ(std::get<model::StripeCorrection>(entries.at(0).correction).direction,
            model::StripeCorrection::Direction::Columns);
}

TEST(RunJointDestripe, LeavesDataWithoutStripesAlone) {
  StripedSurvey survey("joint-null");
  StripedFrame frame;
  frame.stripes = 0;
  add_parallel(survey, frame);
  EXPECT_TRUE(survey.run(joint()).failures.empty());
  EXPECT_LT(worst_residual(survey), Floor) << "less than the noise of the row means: the prior knows of no stripes";
}

TEST(RunJointDestripe, HasTheSameBitsOnAnyRanksAndInAnyMemory) {
  StripedSurvey survey("joint-bits");
  add_dithers(survey, 25, 150);  // several blocks: in little memory one rank keeps them in a file
  survey.label = "all ranks";
  EXPECT_TRUE(survey.run(joint()).failures.empty());
  auto const hash = survey.ledger().hash();
  auto const table = text_of(survey.tasks({}).front().products / "joint_rows.csv");
  survey.label = "little memory";
  EXPECT_TRUE(survey.run(joint(), survey.world, std::int64_t{13} << 20).failures.empty());
  survey.world.barrier();
  EXPECT_EQ(survey.ledger().hash(), hash);
  survey.label = fmt::format("alone {}", survey.world.rank());
  EXPECT_TRUE(survey.run(joint(), {}).failures.empty());
  EXPECT_EQ(survey.ledger().hash(), hash);
  EXPECT_EQ(text_of(survey.tasks({}).front().products / "joint_rows.csv"), table);
}

TEST(RunJointDestripe, GoesOnWithoutAnExposureThatCannotBeRead) {
  StripedSurvey survey("joint-lost");
  add_crossing(survey);
  auto const path = survey.records[2].path;
  if (survey.world.is_root())  // the last plane, that of the read noise, is read by the solution alone
    std::filesystem::resize_file(path, std::filesystem::file_size(path) - 100 * 2880);
  survey.world.barrier();
  auto const outcome = survey.run(joint());
  ASSERT_FALSE(outcome.failures.empty());
  EXPECT_THAT(outcome.failures.front().item, testing::HasSubstr(survey.records[2].identity.exposure));
  EXPECT_TRUE(survey.entries(2).empty());
  for (std::size_t k : {0u, 1u, 3u}) EXPECT_EQ(survey.entries(k).size(), 1u) << k;
}

TEST(RunJointDestripe, RefusesWhatItsModelOfStripesDoesNotKnow) {
  StripedSurvey survey("joint-refused");
  add_parallel(survey);
  for (auto const& [key, value] : StripedSettings{{"reproject_func", "exact"}, {"do_vertical_subtraction", true}}) {
    survey.label = key;
    auto const outcome = survey.run(joint({{key, value}}));
    ASSERT_EQ(outcome.failures.size(), 1u) << key;
    EXPECT_THAT(outcome.failures.front().message, testing::HasSubstr("multi_tile_destripe." + key));
    EXPECT_FALSE(std::filesystem::exists(survey.ledger_file("F300M")));
  }
}

TEST(RunJointDestripe, SaysWhichRowsTheDataDoNotConstrain) {
  StripedSurvey survey("joint-still");
  for (int k = 0; k < 4; ++k) survey.add({});
  EXPECT_TRUE(survey.run(joint()).failures.empty());
  auto const table = text_of(survey.tasks({}).front().products / "joint_rows.csv");
  EXPECT_THAT(table, testing::HasSubstr("\n2,100,4,"));
  EXPECT_THAT(table, testing::Not(testing::HasSubstr(",yes\n")));
  EXPECT_LT(worst_residual(survey), std::hypot(Stripes / 2, 3 * Floor)) << "what they do not have in common is found";
}

TEST(RunJointDestripe, StopsWhenAsked) {
  StripedSurvey survey("joint-stop");
  add_crossing(survey);
  parallel::ControlChannel control(survey.world);
  if (survey.world.is_root()) control.raise(parallel::StopRequest::FinishItems);
  parallel::MemoryBudget budget(std::int64_t{1} << 30);
  StepContext context{survey.world, control, budget, survey.records, 0, {}, false};
  EXPECT_TRUE(run_multi_tile_destripe(context, survey.tasks(joint())).stopped);
  EXPECT_FALSE(std::filesystem::exists(survey.ledger_file("F300M")));
}

}  // namespace
}  // namespace tessera::steps
