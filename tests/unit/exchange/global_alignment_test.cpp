// What the global alignment does with one survey at a time: good ones, and all kinds of bad ones.
#include "tessera/exchange/global_alignment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "true_gauge.hpp"

namespace tessera::exchange {
namespace {

using namespace test_survey;
using testing::HasSubstr;

constexpr double NotANumber = std::numeric_limits<double>::quiet_NaN();

SurveyOptions three_visits() {
  SurveyOptions options;
  options.columns = 3;
  options.rows = 1;
  options.far_share = 0;
  return options;
}

/// Calls change(ra, dec) for all positions of an image, its corners too.
template <class Change>
void change_positions(AlignImage& image, Change&& change) {
  for (auto& star : image.stars) change(star.ra, star.dec);
  for (auto& corner : image.corners) change(corner.ra, corner.dec);
}

/// Turns positions about the tangent point of a plane; degrees.
void turn_about(sky::CorrectionPlane const& plane, double angle, double& ra, double& dec) {
  double x = 0, y = 0;
  plane.sky_to_plane({&ra, 1}, {&dec, 1}, {&x, 1}, {&y, 1});
  double const c = std::cos(angle * std::numbers::pi / 180), s = std::sin(angle * std::numbers::pi / 180);
  double const u = c * x - s * y, v = s * x + c * y;
  plane.plane_to_sky({&u, 1}, {&v, 1}, {&ra, 1}, {&dec, 1});
}

std::vector<AlignStatus> statuses(GlobalAlignment const& result) {
  std::vector<AlignStatus> list;
  for (auto const& group : result.groups) list.push_back(group.status);
  return list;
}

void expect_right(RandomSurvey const& survey, GlobalAlignment const& result, int solved) {
  int count = 0;
  for (auto const& error : errors_of(survey, result)) {
    if (!error.is_solved) continue;
    ++count;
    EXPECT_LT(std::abs(error.x), 5 * error.sigma[0]) << error.group;
    EXPECT_LT(std::abs(error.y), 5 * error.sigma[1]) << error.group;
    EXPECT_LT(std::hypot(error.x, error.y), 0.01) << error.group;
  }
  EXPECT_EQ(count, solved);
  for (std::size_t k = 0; k < survey.images.size(); ++k) {
    std::size_t group = 0;
    while (result.groups[group].group != survey.images[k].group) ++group;
    EXPECT_EQ(result.corrections[k].has_value(), result.groups[group].status == AlignStatus::Success);
  }
}

TEST(AlignGlobally, GivesEveryImageACorrectionInItsOwnPlane) {
  auto options = three_visits();
  options.camera = Camera::Short;
  options.has_datum = true;
  options.detector_offset = 0;
  auto const survey = SurveyMaker(options, 11).make();
  auto const result = align_globally(survey.images, survey.datum, options.datum_error, {});
  expect_right(survey, result, 3);
  for (std::size_t k = 0; k < survey.images.size(); ++k) {
    auto const& image = survey.images[k];
    ASSERT_TRUE(result.corrections[k]) << image.name;
    std::size_t group = 0;
    while (survey.groups[group] != image.group) ++group;
    auto const& correction = *result.corrections[k];
    for (auto const& corner : image.corners) {
      // The truth, in the plane of the group; the correction, in that of the image.
      auto const& move = survey.truth[group];
      double x = 0, y = 0, ra = 0, dec = 0;
      survey.planes[group].sky_to_plane({&corner.ra, 1}, {&corner.dec, 1}, {&x, 1}, {&y, 1});
      double const u = std::cos(move.roll) * x - std::sin(move.roll) * y + move.x / Arcsec,
                   v = std::sin(move.roll) * x + std::cos(move.roll) * y + move.y / Arcsec;
      survey.planes[group].plane_to_sky({&u, 1}, {&v, 1}, {&ra, 1}, {&dec, 1});
      double true_x = 0, true_y = 0;
      image.plane.sky_to_plane({&ra, 1}, {&dec, 1}, {&true_x, 1}, {&true_y, 1});
      image.plane.sky_to_plane({&corner.ra, 1}, {&corner.dec, 1}, {&x, 1}, {&y, 1});
      auto const& m = correction.matrix;
      EXPECT_NEAR((m[0][0] * x + m[0][1] * y + correction.shift[0]) * Arcsec, true_x * Arcsec, 0.004) << image.name;
      EXPECT_NEAR((m[1][0] * x + m[1][1] * y + correction.shift[1]) * Arcsec, true_y * Arcsec, 0.004) << image.name;
    }
  }
}

TEST(AlignGlobally, StatesWhatTheReportNeeds) {
  auto const survey = SurveyMaker(three_visits(), 12).make();
  auto const result = align_globally(survey.images, {}, 0, {});
  ASSERT_EQ(result.groups.size(), 3u);
  EXPECT_EQ(result.covariance.size(), 81u);
  for (std::size_t k = 0; k < 3; ++k) {
    auto const& group = result.groups[k];
    EXPECT_EQ(group.group, survey.groups[k]);
    EXPECT_EQ(static_cast<int>(group.residuals.size()) >= group.matches, true);
    EXPECT_GT(group.rmse, 0);
    EXPECT_GT(group.first_tolerance, 0);
    for (std::size_t i = 0; i < 3; ++i)
      EXPECT_NEAR(std::sqrt(result.covariance[(3 * k + i) * 10]), group.error[i], 1e-12);
  }
  EXPECT_NEAR(result.unit_weight_error, 1, 0.25);
  ASSERT_EQ(result.pairs.size(), 2u);  // the first and the third do not touch
  for (auto const& pair : result.pairs) {
    EXPECT_EQ(pair.verdict, AlignStatus::Success);
    EXPECT_LT(pair.expected_by_chance, 0.1 * pair.matches);
    auto const &a = survey.truth[static_cast<std::size_t>(pair.first)],
               &b = survey.truth[static_cast<std::size_t>(pair.second)];
    EXPECT_NEAR(pair.shift[0], b.x - a.x, 0.03);  // the rolls at some arcsec make the rest
    EXPECT_NEAR(pair.shift[1], b.y - a.y, 0.03);
  }
}

TEST(AlignGlobally, MakesTheWeightedMeansZeroWithoutADatum) {
  auto const survey = SurveyMaker(three_visits(), 13).make();
  auto const result = align_globally(survey.images, {}, 0, {});
  double x = 0, y = 0, roll = 0;
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_GT(result.gauge_weight[k], 0);
    x += result.gauge_weight[k] * result.groups[k].shift[0];
    y += result.gauge_weight[k] * result.groups[k].shift[1];
    roll += result.gauge_weight[k] * std::atan2(result.groups[k].matrix[1][0], result.groups[k].matrix[0][0]);
  }
  EXPECT_NEAR(x, 0, 1e-3);  // norths differ a little across the field
  EXPECT_NEAR(y, 0, 1e-3);
  EXPECT_NEAR(roll, 0, 1e-9);
}

TEST(AlignGlobally, DoesNotDependOnTheOrderOfImages) {
  auto options = three_visits();
  options.has_datum = true;
  auto survey = SurveyMaker(options, 14).make();
  auto const first = align_globally(survey.images, survey.datum, 0.005, {});
  auto const names = survey.images;
  std::shuffle(survey.images.begin(), survey.images.end(), std::mt19937_64(3));
  auto const second = align_globally(survey.images, survey.datum, 0.005, {});
  for (std::size_t k = 0; k < names.size(); ++k) {
    std::size_t other = 0;
    while (survey.images[other].name != names[k].name) ++other;
    ASSERT_TRUE(first.corrections[k] && second.corrections[other]);
    EXPECT_EQ(first.corrections[k]->shift, second.corrections[other]->shift);
    EXPECT_EQ(first.corrections[k]->matrix, second.corrections[other]->matrix);
  }
  for (auto const& group : second.groups)
    EXPECT_TRUE(std::any_of(first.groups.begin(), first.groups.end(),
                            [&](GroupFit const& g) { return g.group == group.group && g.error == group.error; }));
}

TEST(AlignGlobally, FindsRollsOfUpToADegree) {
  auto options = three_visits();
  options.has_datum = true;
  for (double const roll : {0.3, -0.9}) {
    auto survey = SurveyMaker(options, 15).make();
    for (auto& image : survey.images)
      if (image.group == survey.groups[1])
        change_positions(image, [&](double& ra, double& dec) { turn_about(survey.planes[1], roll, ra, dec); });
    auto& move = survey.truth[1];
    move.roll -= roll * std::numbers::pi / 180;
    expect_right(survey, align_globally(survey.images, survey.datum, 0.005, {}), 3);
  }
}

TEST(AlignGlobally, TellsOfAnImageUpsideDown) {
  auto survey = SurveyMaker(three_visits(), 16).make();
  for (auto& image : survey.images)
    if (image.group == survey.groups[2])
      change_positions(image, [&](double& ra, double& dec) { turn_about(image.plane, 180, ra, dec); });
  auto const result = align_globally(survey.images, {}, 0, {});
  EXPECT_EQ(result.groups[2].status, AlignStatus::TooLarge);
  EXPECT_THAT(result.groups[2].reason, HasSubstr("180 degrees"));
  expect_right(survey, result, 2);
}

TEST(AlignGlobally, LeavesAVisitWithoutOverlapAlone) {
  auto survey = SurveyMaker(three_visits(), 17).make();
  for (auto& image : survey.images) {
    if (image.group != survey.groups[2]) continue;
    change_positions(image, [](double&, double& dec) { dec += dec > 0 ? -1 : 1; });
    image.plane.tangent.dec += image.plane.tangent.dec > 0 ? -1 : 1;
  }
  auto const result = align_globally(survey.images, {}, 0, {});
  EXPECT_THAT(statuses(result),
              testing::ElementsAre(AlignStatus::Success, AlignStatus::Success, AlignStatus::NoOverlap));
  EXPECT_TRUE(result.problem.empty());
}

TEST(AlignGlobally, SolvesIslandsApart) {
  auto options = three_visits();
  options.columns = 5;
  auto survey = SurveyMaker(options, 18).make();
  for (auto& image : survey.images)
    if (image.group == survey.groups[2]) image.stars.clear();
  auto const result = align_globally(survey.images, {}, 0, {});
  expect_right(survey, result, 4);
  EXPECT_EQ(result.groups[2].status, AlignStatus::NoSources);
  for (std::size_t const first : {0, 3})
    for (std::size_t axis = 0; axis < 2; ++axis)  // each has its own mean
      EXPECT_NEAR(result.gauge_weight[first] * result.groups[first].shift[axis] +
                      result.gauge_weight[first + 1] * result.groups[first + 1].shift[axis],
                  0, 1e-3);
}

TEST(AlignGlobally, DoesNotCallAVisitAlignedThatMatchesNothingButItself) {
  auto options = three_visits();
  options.group_by_exposure = true;
  for (bool const has_datum : {false, true}) {
    options.has_datum = has_datum;
    auto survey = SurveyMaker(options, 30).make();
    for (auto& image : survey.images)  // its four dithers see the same stars as each other, and as nobody else
      if (image.visit == "jw00102")
        for (auto& star : image.stars) star.dec += 10.0 / 3600;
    auto const result = align_globally(survey.images, survey.datum, options.datum_error, {});
    ASSERT_EQ(result.groups.size(), 12u);
    for (std::size_t k = 0; k < 12; ++k) {
      auto const& group = result.groups[k];
      bool const is_lost = group.group.starts_with("jw00102");
      EXPECT_EQ(group.status, is_lost ? AlignStatus::NotConnected : AlignStatus::Success) << group.group;
      EXPECT_EQ(group.error[0] > 0, !is_lost);
      EXPECT_EQ(group.reason.find("none of the rest") != std::string::npos, is_lost) << group.reason;
      EXPECT_EQ(result.gauge_weight[k] > 0, !is_lost && !has_datum);
    }
    expect_right(survey, result, 8);  // corrections of the others alone
    EXPECT_EQ(result.warning, "");
  }
}

TEST(AlignGlobally, RefusesThreeStarsAndLess) {
  for (std::size_t const left : {0, 1, 3}) {
    auto survey = SurveyMaker(three_visits(), 19).make();
    for (auto& image : survey.images)
      if (image.group == survey.groups[2] && image.stars.size() > left) image.stars.resize(left);
    auto const result = align_globally(survey.images, {}, 0, {});
    EXPECT_EQ(result.groups[2].status == AlignStatus::NoSources, left == 0);
    EXPECT_NE(result.groups[2].status, AlignStatus::Success) << left;
    EXPECT_TRUE(left == 0 || !result.groups[2].reason.empty());
    expect_right(survey, result, 2);
  }
}

TEST(AlignGlobally, DropsPositionsThatAreNotFinite) {
  auto survey = SurveyMaker(three_visits(), 20).make();
  for (auto& image : survey.images)
    for (std::size_t k = 0; k < image.stars.size(); k += 3)
      (k % 2 == 0 ? image.stars[k].ra : image.stars[k].dec) = NotANumber;
  expect_right(survey, align_globally(survey.images, {}, 0, {}), 3);
  for (auto& image : survey.images)
    if (image.group == survey.groups[0])
      for (auto& star : image.stars) star.ra = NotANumber;
  auto const result = align_globally(survey.images, {}, 0, {});
  EXPECT_EQ(result.groups[0].status, AlignStatus::NoSources);
  EXPECT_THAT(result.groups[0].reason, HasSubstr("not finite"));
  expect_right(survey, result, 2);
}

TEST(AlignGlobally, TakesDuplicatesOnce) {
  auto survey = SurveyMaker(three_visits(), 21).make();
  auto const once = align_globally(survey.images, {}, 0, {});
  for (auto& image : survey.images) {
    auto const copy = image.stars;
    image.stars.insert(image.stars.end(), copy.begin(), copy.end());
  }
  auto const twice = align_globally(survey.images, {}, 0, {});
  for (std::size_t k = 0; k < 3; ++k) EXPECT_EQ(once.groups[k].shift, twice.groups[k].shift);
}

TEST(AlignGlobally, RefusesListsOfOnePosition) {
  auto survey = SurveyMaker(three_visits(), 22).make();
  for (auto& image : survey.images)
    for (auto& star : image.stars) {
      star.ra = survey.planes[1].tangent.ra;
      star.dec = survey.planes[1].tangent.dec;
    }
  auto const result = align_globally(survey.images, {}, 0, {});
  EXPECT_FALSE(result.problem.empty());
  expect_right(survey, result, 0);
}

TEST(AlignGlobally, SaysThatTheCatalogueIsElsewhere) {
  auto options = three_visits();
  options.has_datum = true;
  auto survey = SurveyMaker(options, 23).make();
  for (auto& star : survey.datum) star.dec += star.dec > 0 ? -10 : 10;
  auto const result = align_globally(survey.images, survey.datum, 0.005, {});
  expect_right(survey, result, 3);  // among themselves
  for (auto const& group : result.groups) EXPECT_THAT(group.reason, HasSubstr("no match with the catalogue"));
  EXPECT_THAT(result.warning, HasSubstr("3 groups have no match with the catalogue"));
  std::erase_if(survey.images, [&](AlignImage const& image) { return image.group != survey.groups[0]; });
  EXPECT_THAT(align_globally(survey.images, survey.datum, 0.005, {}).problem, HasSubstr("elsewhere on the sky"));
}

TEST(AlignGlobally, HasNothingToDoWithoutImagesOrSources) {
  EXPECT_FALSE(align_globally({}, {}, 0, {}).problem.empty());
  auto survey = SurveyMaker(three_visits(), 24).make();
  for (auto& image : survey.images) image.stars.clear();
  auto const result = align_globally(survey.images, {}, 0, {});
  EXPECT_THAT(result.problem, HasSubstr("no image has a usable source"));
  EXPECT_THAT(statuses(result), testing::Each(AlignStatus::NoSources));
  std::erase_if(survey.images, [&](AlignImage const& image) { return image.group != survey.groups[0]; });
  EXPECT_FALSE(align_globally(survey.images, {}, 0, {}).problem.empty());
}

TEST(AlignGlobally, LeavesOutADitherThatSlipped) {
  auto survey = SurveyMaker(three_visits(), 25).make();
  std::size_t slipped = 0;
  while (survey.images[slipped].name != "jw00101_02_det0") ++slipped;
  for (auto& star : survey.images[slipped].stars) star.dec += 0.15 / 3600;
  auto const result = align_globally(survey.images, {}, 0, {});
  EXPECT_THAT(result.groups[1].reason, HasSubstr("jw00101_02_det0 lies"));
  EXPECT_FALSE(result.corrections[slipped]);
  int solved = 0;
  for (auto const& error : errors_of(survey, result)) {
    solved += error.is_solved;
    EXPECT_LT(std::hypot(error.x, error.y), 0.005);
  }
  EXPECT_EQ(solved, 3);
}

TEST(AlignGlobally, RefusesAGroupThatIsTornInTwo) {
  auto survey = SurveyMaker(three_visits(), 26).make();
  for (auto& image : survey.images)
    if (image.name == "jw00102_02_det0" || image.name == "jw00102_03_det0")
      for (auto& star : image.stars) star.dec += 0.15 / 3600;
  auto const result = align_globally(survey.images, {}, 0, {});
  EXPECT_EQ(result.groups[2].status, AlignStatus::Ambiguous);
  EXPECT_THAT(result.groups[2].reason, HasSubstr("disagree"));
  expect_right(survey, result, 2);
}

TEST(AlignGlobally, SaysThatResidualsHaveTwoClumps) {
  auto options = three_visits();
  options.dithers = 1;
  options.overlap = 0.3;
  auto survey = SurveyMaker(options, 27).make();
  for (auto& image : survey.images)
    if (image.group == survey.groups[1])
      for (std::size_t k = 0; k < image.stars.size(); k += 3) image.stars[k].dec += 0.12 / 3600;
  auto const result = align_globally(survey.images, {}, 0, {});
  EXPECT_THAT(result.groups[1].reason, HasSubstr("second clump"));
  // As many one way as the other: not used at all.
  for (auto& image : survey.images)
    if (image.group == survey.groups[1])
      for (std::size_t k = 1; k < image.stars.size(); k += 6) image.stars[k].dec += 0.12 / 3600;
  auto const torn = align_globally(survey.images, {}, 0, {});
  EXPECT_NE(torn.groups[1].status, AlignStatus::Success) << torn.groups[1].reason;
}

TEST(AlignGlobally, SolvesForOffsetsOfDetectors) {
  SurveyOptions options;
  options.camera = Camera::Short;
  options.columns = options.rows = 3;
  options.overlap = 0.55;  // so that all detectors meet each other
  options.dithers = 2;
  options.far_share = 0;
  options.detector_offset = 0.02;
  auto const survey = SurveyMaker(options, 28).make();
  GlobalAlignmentOptions with;
  with.with_detector_offsets = true;
  auto const result = align_globally(survey.images, {}, 0, with);
  expect_right(survey, result, 9);
  EXPECT_NEAR(result.unit_weight_error, 1, 0.2);
  ASSERT_EQ(result.detector_offset.size(), 4u);
  for (std::size_t d = 0; d < 4; ++d)
    for (std::size_t axis = 0; axis < 2; ++axis)
      EXPECT_NEAR(result.detector_offset[d][axis], survey.offsets[d][axis], 0.002) << result.detectors[d];
  // Without them the misfit of the images is seen, and errors are as large as they should be.
  auto const without = align_globally(survey.images, {}, 0, {});
  EXPECT_GT(without.image_misfit, 10);
  EXPECT_GT(without.groups[0].error[0], 3 * result.groups[0].error[0]);
}

TEST(AlignGlobally, CanLeaveRollsOut) {
  auto options = three_visits();
  options.roll_rms = 0;
  auto const survey = SurveyMaker(options, 29).make();
  GlobalAlignmentOptions shifts;
  shifts.with_rotation = false;
  auto const result = align_globally(survey.images, {}, 0, shifts);
  expect_right(survey, result, 3);
  for (auto const& group : result.groups) {
    EXPECT_EQ(group.matrix[1][0], 0);
    EXPECT_EQ(group.error[2], 0);
  }
}

}  // namespace
}  // namespace tessera::exchange
