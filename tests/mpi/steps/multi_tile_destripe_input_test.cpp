// multi_tile_destripe: the same bits however it is divided, and what bad input leads to.
#include <gtest/gtest.h>

#include "striped_survey.hpp"
#include "tessera/core/error.hpp"

namespace tessera::steps {
namespace {

StripedFrame frame_at(double dx, double dy) {
  StripedFrame frame;
  frame.dx = dx;
  frame.dy = dy;
  return frame;
}

void add_row(StripedSurvey& survey, int count, std::string const& band = "F300M") {
  for (int k = 0; k < count; ++k) survey.add(frame_at(61.3 * k, 17.7 * k), band);
}

/// All profiles of all exposures, one after the other.
std::vector<float> profiles_of(StripedSurvey const& survey) {
  std::vector<float> values;
  for (std::size_t k = 0; k < survey.records.size(); ++k)
    for (auto const& entry : survey.entries(k))
      for (auto const& profile : std::get<model::StripeCorrection>(entry.correction).profile)
        values.insert(values.end(), profile.begin(), profile.end());
  return values;
}

TEST(RunMultiTileDestripe, HasTheSameBitsForAnyRanksAndBudget) {
  StripedSurvey survey("destripe-bits");
  add_row(survey, 5);
  add_row(survey, 3, "F335M");
  for (char const* method : {"mean", "sigma_clip"}) {
    StripedSettings const settings{
        {"weight_method", method}, {"do_convergence", true}, {"convergence_max_iterations", std::int64_t{2}}};
    survey.label = fmt::format("{} all", method);
    EXPECT_TRUE(survey.run(settings).failures.empty());
    auto const all = profiles_of(survey);
    EXPECT_EQ(all.size(), 8u * 2 * 4 * 256);
    survey.label = fmt::format("{} alone", method);
    if (survey.world.is_root()) {
      EXPECT_TRUE(survey.run(settings, {}, std::int64_t{12} << 20).failures.empty()) << "12 MB";
    }
    survey.world.barrier();
    EXPECT_EQ(profiles_of(survey), all) << method;
  }
}

TEST(RunMultiTileDestripe, RefusesABudgetThatHoldsNoExposure) {
  StripedSurvey survey("destripe-budget");
  add_row(survey, 2);
  auto const outcome = survey.run({}, survey.world, std::int64_t{1} << 20);
  ASSERT_EQ(outcome.failures.size(), 2u);
  EXPECT_NE(outcome.failures[0].message.find("memory"), std::string::npos) << outcome.failures[0].message;
}

TEST(RunMultiTileDestripe, GoesOnAfterAStop) {
  StripedSurvey survey("destripe-stop");
  add_row(survey, 3);
  {
    parallel::ControlChannel control(survey.world);
    parallel::MemoryBudget budget(std::int64_t{1} << 30);
    StepContext context{survey.world, control, budget, survey.records, 0, {}, false};
    control.raise(parallel::StopRequest::FinishItems);
    EXPECT_TRUE(run_multi_tile_destripe(context, survey.tasks({})).stopped);
    survey.world.barrier();
  }
  EXPECT_FALSE(std::filesystem::exists(survey.ledger_file("F300M")));
  EXPECT_FALSE(survey.run().stopped);
  EXPECT_EQ(survey.entries(1).size(), 2u);
}

TEST(RunMultiTileDestripe, LeavesOutAnExposureThatIsAllFlagged) {
  StripedSurvey survey("destripe-flagged");
  add_row(survey, 3);
  auto frame = frame_at(20, 20);
  frame.flagged_amplifier = 4;
  survey.add(frame);
  auto const outcome = survey.run();
  ASSERT_EQ(outcome.failures.size(), 1u);
  EXPECT_EQ(outcome.failures[0].item, survey.records[3].identity.label());
  EXPECT_NE(outcome.failures[0].message.find("no pixel can be used"), std::string::npos);
  for (std::size_t k = 0; k < 3; ++k) EXPECT_EQ(survey.entries(k).size(), 2u);
  EXPECT_TRUE(survey.entries(3).empty());
}

TEST(RunMultiTileDestripe, GivesAMaskedAmplifierTheStripesOfTheWholeRow) {
  StripedSurvey survey("destripe-amplifier");
  add_row(survey, 3);
  auto frame = frame_at(20, 20);
  frame.flagged_amplifier = 2;
  survey.add(frame);
  EXPECT_TRUE(survey.run({{"do_large_scale", false}}).failures.empty());
  auto const entries = survey.entries(3);
  auto const& stripes = std::get<model::StripeCorrection>(entries[0].correction);
  ASSERT_EQ(stripes.profile.size(), 4u);
  double squares = 0;
  for (float const value : stripes.profile[2]) {
    ASSERT_TRUE(std::isfinite(value));
    squares += static_cast<double>(value * value);
  }
  EXPECT_GT(squares, 0);
}

TEST(RunMultiTileDestripe, LevelsOnlyTheAmplifiersOfAnExposureByItself) {
  StripedSurvey survey("destripe-island");
  add_row(survey, 3);
  auto island = frame_at(0, 0);
  island.ra = 30.5;
  island.amplifier_level = {0, 0.5, 0.5, 0.5};
  survey.add(island);
  auto single = frame_at(0, 0);
  survey.add(single, "F335M");
  EXPECT_TRUE(survey.run().failures.empty());
  auto const entries = survey.entries(3);
  ASSERT_FALSE(entries.empty());
  auto const& stripes = std::get<model::StripeCorrection>(entries[0].correction);
  EXPECT_NEAR(stripes.profile[1][0], 0.5, 0.05);
  for (float const value : stripes.profile[1]) EXPECT_EQ(value, stripes.profile[1][0]);
  EXPECT_TRUE(std::filesystem::exists(survey.ledger_file("F335M")));
}

TEST(RunMultiTileDestripe, LeavesOutAnExposureThatIsSomewhereElse) {
  StripedSurvey survey("destripe-stray");
  add_row(survey, 3);
  auto stray = frame_at(0, 0);
  stray.ra = 50;
  survey.add(stray);
  auto const outcome = survey.run();
  ASSERT_EQ(outcome.failures.size(), 1u);
  EXPECT_EQ(outcome.failures[0].item, survey.records[3].identity.label());
  EXPECT_NE(outcome.failures[0].message.find("19.7 degrees"), std::string::npos) << outcome.failures[0].message;
  EXPECT_EQ(survey.entries(0).size(), 2u);
}

TEST(RunMultiTileDestripe, FinishesTheOthersWhereAFileIsBroken) {
  StripedSurvey survey("destripe-broken");
  add_row(survey, 4);
  survey.world.barrier();  // who still reads what was just written would see half of it
  if (survey.world.is_root()) std::filesystem::resize_file(survey.records[1].path, 9000);
  survey.world.barrier();
  auto const outcome = survey.run();
  ASSERT_EQ(outcome.failures.size(), 1u);
  EXPECT_EQ(outcome.failures[0].item, survey.records[1].identity.label());
  EXPECT_EQ(survey.entries(0).size(), 2u);
  EXPECT_TRUE(survey.entries(1).empty());
}

TEST(RunMultiTileDestripe, SaysWhatApplyToUnflatNeeds) {
  StripedSurvey survey("destripe-flat");
  add_row(survey, 2);
  auto const outcome = survey.run({{"apply_to_unflat", true}});
  ASSERT_EQ(outcome.failures.size(), 1u);
  EXPECT_NE(outcome.failures[0].message.find("reference flat"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(survey.ledger_file("F300M")));
}

}  // namespace
}  // namespace tessera::steps
