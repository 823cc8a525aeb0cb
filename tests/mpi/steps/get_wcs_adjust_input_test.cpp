// get_wcs_adjust with input that is not as it should be, stopped and started again, and with files that are there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adjust_survey.hpp"
#include "tessera/steps/apply_wcs_adjust/apply_wcs_adjust_step.hpp"

namespace tessera::steps {
namespace {

using testing::HasSubstr;
using testing::Not;
using Pointing = StarSurvey::Pointing;

/// The IRAF centres are good to 8 mas, and fifty of them make a shift.
constexpr double CentreError = 0.008, Bound = 0.003;  // arcsec

std::string key(int visit, std::string const& end = "_nircam") { return fmt::format("jw02107041{:03d}{}", visit, end); }

/// Two visits that overlap, and their stars.
struct Pair {
  StarField field{350, 25};
  Pointing first{-3, 0, 0.2, -0.1, 10, 0}, second{3, 1, -0.3, 0.25, 10, 0};

  void fill(AdjustSurvey& survey, std::string const& band = "F300M") const {
    survey.add_visit(band, 1, field, first);
    survey.add_visit(band, 2, field, second);
  }
  /// The two visits are placed alike.
  void expect_found(config::WcsAdjustments const& found, double bound = Bound) const {
    ASSERT_TRUE(found.by_key.contains(key(1)) && found.by_key.contains(key(2)));
    auto const &a = found.by_key.at(key(1)).shift_arcsec, &b = found.by_key.at(key(2)).shift_arcsec;
    EXPECT_NEAR(b[0] - a[0], first.error_east - second.error_east, bound);
    EXPECT_NEAR(b[1] - a[1], first.error_north - second.error_north, bound);
  }
};

TEST(GetWcsAdjustInput, LeavesOutAVisitWithoutOverlapOrStars) {
  AdjustSurvey survey("adjust-lonely");
  Pair const pair;
  pair.fill(survey);
  survey.add_visit("F300M", 3, pair.field, {500, 0, 0.3, 0.3, 10, 0});  // far from the others, and without stars
  StarField far(200, 12, 8);
  for (auto& star : far.stars) star[0] -= 300;
  survey.add_visit("F300M", 4, far, {-300, 0, 0.3, 0.3, 10, 0});  // with stars of its own
  StarField three(3, 5, 9);
  for (auto& star : three.stars) star[1] += 200;
  survey.add_visit("F300M", 5, three, {0, 200, 0.3, 0.3, 10, 0});
  for (char const* method : {"tweakreg", "cross_corr", "global"}) {
    survey.label = method;
    auto const outcome = survey.adjust(adjust_text("'F300M'", std::string("method = '") + method + "'"));
    EXPECT_TRUE(outcome.failures.empty());
    auto const found = survey.adjustments();
    pair.expect_found(found);
    for (int const visit : {3, 4, 5}) {
      EXPECT_FALSE(found.by_key.contains(key(visit, ""))) << method << visit;
      if (found.by_key.contains(key(visit))) {  // a group of its own, whose WCS stays
        EXPECT_EQ(found.by_key.at(key(visit)).shift_arcsec, (std::array<double, 2>{0, 0})) << method << visit;
      }
    }
    auto const table = survey.product(
        "F300M", std::string(method) == "cross_corr" ? "get_wcs_adjust_stacks.csv" : "get_wcs_adjust_groups.csv");
    EXPECT_THAT(table, HasSubstr("FAILED")) << method;
  }
}

TEST(GetWcsAdjustInput, WritesAFileWithoutKeysWhereNothingCanBeMeasured) {
  AdjustSurvey survey("adjust-nothing");
  StarField const none(0);
  survey.add_visit("F300M", 1, none, {0, 0, 0.1, 0.1, 10, 0});
  survey.add_visit("F300M", 2, none, {2, 0, 0.1, 0.1, 10, 0});
  for (char const* method : {"tweakreg", "cross_corr", "global"}) {
    survey.label = method;
    EXPECT_TRUE(survey.adjust(adjust_text("'F300M'", std::string("method = '") + method + "'")).failures.empty());
    EXPECT_TRUE(survey.adjustments().by_key.empty()) << method;
  }
}

TEST(GetWcsAdjustInput, ReportsAMissingCatalogueAndDoesTheOtherBands) {
  AdjustSurvey survey("adjust-missing");
  Pair const pair;
  pair.fill(survey);
  survey.add_visit("F1000W", 11, pair.field, {0, 0, 0.4, 0.4, 30, 0}, 2, "mirimage");
  survey.add_visit("F1000W", 12, pair.field, {2, 0, 0.4, 0.1, 30, 0}, 2, "mirimage");
  auto const outcome = survey.adjust(adjust_text(
      "'F300M', 'F1000W'", "alignment_catalogs = {ngc0628 = 'nowhere.fits'}\nmethod = {nircam = 'cross_corr'}"));
  ASSERT_EQ(outcome.failures.size(), 1u);
  EXPECT_EQ(outcome.failures[0].item, "ngc0628 F1000W");
  EXPECT_THAT(outcome.failures[0].message, HasSubstr("nowhere.fits"));
  pair.expect_found(survey.adjustments());
  EXPECT_FALSE(survey.adjustments().by_key.contains(key(11, "_miri")));
  EXPECT_FALSE(store::read_manifest(survey.folder() / "run/get_wcs_adjust/F1000W_wcs_adjust.toml"))
      << "the next run tries again";
}

TEST(GetWcsAdjustInput, ReportsBandsThatReferToEachOtherAndReferencesThatFail) {
  AdjustSurvey survey("adjust-cycle");
  Pair const pair;
  pair.fill(survey);
  pair.fill(survey, "F335M");
  pair.fill(survey, "F360M");
  auto const cycle =
      survey.adjust(adjust_text("'F300M', 'F335M', 'F360M'", "reference_band = {F335M = 'F360M', F360M = 'F335M'}"));
  EXPECT_EQ(cycle.failures.size(), 2u);
  pair.expect_found(survey.adjustments());
  auto const crossed = survey.adjust(
      adjust_text("'F300M', 'F335M', 'F360M'", "method = {F335M = 'cross_corr'}\nreference_band = {F360M = 'F335M'}"));
  ASSERT_EQ(crossed.failures.size(), 1u);
  EXPECT_THAT(crossed.failures[0].message, HasSubstr("has no stars"));
}

TEST(GetWcsAdjustInput, DoesNotDestroyAFileOfTheUser) {
  AdjustSurvey survey("adjust-user");
  Pair const pair;
  pair.fill(survey);
  std::string const text = "[wcs_adjust]\n\njw02107041001.shift = [9.0, 9.0]\n";
  if (survey.world.is_root()) {
    std::filesystem::create_directories(survey.target_file().parent_path());
    std::ofstream(survey.target_file()) << text;
  }
  survey.world.barrier();
  EXPECT_TRUE(survey.adjust(adjust_text("'F300M'")).failures.empty());
  pair.expect_found(survey.adjustments());
  EXPECT_EQ(survey.read(survey.target_file().string() + ".bak1"), text);
  EXPECT_TRUE(survey.adjust(adjust_text("'F300M'", "degroup_nircam_modules = true")).failures.empty());
  EXPECT_FALSE(std::filesystem::exists(survey.target_file().string() + ".bak2")) << "its own it replaces";
}

TEST(GetWcsAdjustInput, GoesOnWhereItWasStopped) {
  AdjustSurvey survey("adjust-restart");
  Pair const pair;
  pair.fill(survey);
  for (char const* method : {"tweakreg", "cross_corr"}) {
    auto const text = adjust_text("'F300M'", std::string("method = '") + method + "'");
    survey.label = std::string("whole_") + method;
    survey.adjust(text);
    auto const whole = survey.read(survey.target_file());
    survey.label = std::string("parts_") + method;
    EXPECT_TRUE(survey.adjust(text, survey.world, true).stopped);
    EXPECT_FALSE(std::filesystem::exists(survey.target_file()));
    survey.world.barrier();
    EXPECT_FALSE(survey.adjust(text).stopped);
    EXPECT_EQ(survey.read(survey.target_file()), whole);
  }
}

TEST(GetWcsAdjustInput, TellsExposuresThatCannotBeRead) {
  AdjustSurvey survey("adjust-broken");
  Pair const pair;
  pair.fill(survey);
  survey.world.barrier();
  if (survey.world.is_root()) {
    auto const path = survey.file("jw02107041002_02101_00002_nrcalong");
    std::filesystem::resize_file(path, 20000);
  }
  survey.world.barrier();
  for (char const* method : {"tweakreg", "cross_corr", "global"}) {
    survey.label = method;
    auto const outcome = survey.adjust(adjust_text("'F300M'", std::string("method = '") + method + "'"));
    ASSERT_EQ(outcome.failures.size(), 1u) << method;
    EXPECT_THAT(outcome.failures[0].item, HasSubstr("jw02107041002_02101_00002_nrcalong"));
    // One dither has the errors of the pixel phase that two average, and one centre is all that is asked for.
    pair.expect_found(survey.adjustments(), CentreError);
    EXPECT_FALSE(store::read_manifest(survey.folder() / method / "get_wcs_adjust/F300M_wcs_adjust.toml"));
  }
}

TEST(GetWcsAdjustInput, TakesTheModulesOfNircamApart) {
  AdjustSurvey survey("adjust-modules");
  Pair const pair;
  // The modules of visit 2 are off by different amounts.
  survey.add_visit("F300M", 1, pair.field, {0, 0, 0, 0, 10, 0}, 2, "nrcalong");
  survey.add_visit("F300M", 2, pair.field, {-4, 0, 0.3, 0.1, 10, 0}, 2, "nrcalong");
  survey.add_visit("F300M", 2, pair.field, {4, 0, 0.34, 0.16, 10, 0}, 2, "nrcblong");
  EXPECT_TRUE(survey.adjust(adjust_text("'F300M'", "degroup_nircam_modules = true")).failures.empty());
  auto const found = survey.adjustments();
  auto const difference = [&](std::size_t axis) {
    return found.by_key.at(key(2, "_nrcb")).shift_arcsec[axis] - found.by_key.at(key(2, "_nrca")).shift_arcsec[axis];
  };
  EXPECT_NEAR(difference(0), -0.04, Bound);
  EXPECT_NEAR(difference(1), -0.06, Bound);
  EXPECT_FALSE(found.by_key.contains(key(2)));
  EXPECT_FALSE(found.by_key.contains(key(2, "")));
}

TEST(GetWcsAdjustInput, PutsRotatedVisitsRightForAllTheirDetectors) {
  AdjustSurvey survey("adjust-rotated");
  StarField const field(1400, 50);
  // Two detectors 24" apart, moved and turned as one about the middle: each has the shift that the roll gives it there.
  double const roll = 0.05, angle = roll * 0.017453292519943295;
  auto const detector = [&](double east, double error_east, double error_north, double rolled) {
    // The header is turned by `rolled` (position angle, east of north) about (0, 0).
    double const a = rolled * 0.017453292519943295;
    return Pointing{east, 0, error_east, error_north - east * std::sin(a), 10, rolled};
  };
  std::vector<Pointing> const pointings{detector(-12, 0, 0, 0), detector(12, 0, 0, 0), detector(-12, 0.31, -0.22, roll),
                                        detector(12, 0.31, -0.22, roll)};
  EXPECT_NEAR(pointings[2].error_north - pointings[3].error_north, 24 * angle, 1e-6);
  survey.add_visit("F300M", 1, field, pointings[0], 1, "nrcalong");
  survey.add_visit("F300M", 1, field, pointings[1], 1, "nrcblong");
  survey.add_visit("F300M", 2, field, pointings[2], 1, "nrcalong");
  survey.add_visit("F300M", 2, field, pointings[3], 1, "nrcblong");
  auto text = adjust_text("'F300M'");
  text.replace(text.find("fitgeometry = 'shift'"), 21, "fitgeometry = 'rshift'");
  EXPECT_TRUE(survey.adjust(text).failures.empty());

  test::StepRun one(survey.records, survey.world);
  auto task = one.task("apply_wcs_adjust", survey.folder() / "run" / "F300M", "F300M", 4);
  task.ledger_file = store::ledger_path(survey.folder() / "run" / "F300M", 4, "tweakreg");
  task.adjustments = survey.target_file();
  EXPECT_TRUE(one.run(run_apply_wcs_adjust, {task}).failures.empty());
  survey.world.barrier();
  for (std::size_t record = 0; record < 4; ++record)
    for (auto const& pixel : {model::PixelPoint{20, 20}, {200, 20}, {20, 200}, {200, 200}}) {
      auto const error = survey.error_of(record, pointings[record], pixel);
      EXPECT_LT(std::hypot(error[0], error[1]), 0.005) << record;
    }
}

}  // namespace
}  // namespace tessera::steps
