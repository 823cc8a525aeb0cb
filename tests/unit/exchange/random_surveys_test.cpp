// 200 random surveys: no wrong match, and errors that are what they are said to be.
#include <gtest/gtest.h>

#include <cmath>

#include "true_gauge.hpp"

namespace tessera::exchange {
namespace {

using namespace test_survey;

double root_mean_square(std::vector<double> const& values) {
  double sum = 0;
  for (double const v : values) sum += v * v;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

struct Tally {
  std::vector<double> shift_pulls, roll_pulls, errors;  ///< errors: arcsec
  int groups = 0, solved = 0, wrong = 0;

  void add(RandomSurvey const& survey, GlobalAlignment const& result) {
    for (auto const& error : errors_of(survey, result)) {
      ++groups;
      if (!error.is_solved) continue;
      ++solved;
      wrong += std::abs(error.x) > 5 * error.sigma[0] + 0.02 || std::abs(error.y) > 5 * error.sigma[1] + 0.02;
      shift_pulls.push_back(error.x / error.sigma[0]);
      shift_pulls.push_back(error.y / error.sigma[1]);
      roll_pulls.push_back(error.roll / error.sigma[2]);
      errors.push_back(std::hypot(error.x, error.y));
    }
  }
};

TEST(RandomSurveys, HaveNoWrongMatchAndTheErrorsThatAreStated) {
  Tally tally;
  int not_connected = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    auto const options = random_options(seed);
    auto const survey = SurveyMaker(options, seed).make();
    auto const result = align_globally(survey.images, survey.datum, options.datum_error, {});
    tally.add(survey, result);
    for (auto const& fit : result.groups) {
      not_connected += fit.status == AlignStatus::NotConnected;
      if (fit.status != AlignStatus::Success) continue;
      EXPECT_GE(fit.matches, GlobalAlignmentOptions{}.minobj) << "survey " << seed << ", " << fit.group;
      EXPECT_LE(std::max(fit.error[0], fit.error[1]), fit.first_tolerance) << "survey " << seed << ", " << fit.group;
    }
  }
  RecordProperty("groups", tally.groups);
  RecordProperty("solved", tally.solved);
  RecordProperty("not_connected", not_connected);
  RecordProperty("shift_pull_width", std::to_string(root_mean_square(tally.shift_pulls)));
  RecordProperty("roll_pull_width", std::to_string(root_mean_square(tally.roll_pulls)));
  EXPECT_EQ(tally.wrong, 0);
  EXPECT_GT(tally.solved, 0.85 * tally.groups);
  EXPECT_NEAR(root_mean_square(tally.shift_pulls), 1, 0.15);
  EXPECT_NEAR(root_mean_square(tally.roll_pulls), 1, 0.15);
  EXPECT_LT(root_mean_square(tally.errors), 0.004);
}

TEST(RandomSurveys, WithoutAStarInCommonAreNeverAligned) {
  int accepted = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SurveyOptions options;
    options.camera = static_cast<Camera>(seed % 3);
    options.columns = 2;
    options.rows = 1;
    options.dithers = 1;
    options.overlap = 0.4;
    options.stars_per_frame = std::pow(10, 1 + 2.0 * static_cast<double>(seed) / 60);
    auto survey = SurveyMaker(options, seed).make();
    auto const other = SurveyMaker(options, seed + 1000).make();
    // The second visit sees another sky: positions about its tangent points from another survey.
    for (std::size_t k = 0; k < survey.images.size(); ++k) {
      auto& image = survey.images[k];
      if (image.group == survey.groups[0]) continue;
      std::vector<double> ra, dec;
      for (auto const& star : other.images[k].stars) {
        ra.push_back(star.ra);
        dec.push_back(star.dec);
      }
      std::vector<double> x(ra.size()), y(ra.size());
      other.images[k].plane.sky_to_plane(ra, dec, x, y);
      image.plane.plane_to_sky(x, y, ra, dec);
      image.stars = other.images[k].stars;
      for (std::size_t s = 0; s < ra.size(); ++s) {
        image.stars[s].ra = ra[s];
        image.stars[s].dec = dec[s];
      }
    }
    auto const result = align_globally(survey.images, {}, 0, {});
    for (auto const& group : result.groups) accepted += group.status == AlignStatus::Success;
  }
  EXPECT_EQ(accepted, 0);
}

TEST(RandomSurveys, OfCrowdedFieldsAreAlignedInSpiteOfAWideTolerance) {
  Tally tally;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    SurveyOptions options;
    options.camera = Camera::Short;
    options.columns = 2;
    options.rows = 1;
    options.dithers = 2;
    options.stars_per_frame = seed < 3 ? 500 : 2000;
    auto const survey = SurveyMaker(options, seed).make();
    GlobalAlignmentOptions wide;
    wide.tolerances = {0.3};
    tally.add(survey, align_globally(survey.images, {}, 0, wide));
  }
  EXPECT_EQ(tally.solved, tally.groups);
  EXPECT_EQ(tally.wrong, 0);
  EXPECT_LT(root_mean_square(tally.errors), 0.002);
}

/// Two MIRI visits and a datum of some 30 stars; errors of centroids are 25 mas whatever the flux, with heavy tails.
RandomSurvey with_poor_centroids(std::uint64_t seed, double datum_error) {
  SurveyOptions options;
  options.camera = Camera::Miri;
  options.columns = 2;
  options.rows = 1;
  options.dithers = 2;
  options.overlap = seed % 4 < 2 ? 0.2 : 0.4;
  options.far_share = 0;
  options.has_errors = seed % 8 == 0;  // finders state none
  options.stars_per_frame = 150;
  options.spurious = 0.5;
  options.has_datum = true;
  options.datum_share = 0.2;
  options.datum_error = datum_error;
  auto survey = SurveyMaker(options, seed).make();
  std::mt19937_64 random(seed + 7);
  std::normal_distribution<double> normal;
  for (auto& image : survey.images)
    for (auto& star : image.stars) {
      double const error = (std::uniform_real_distribution<double>(0, 1)(random) < 0.15 ? 0.06 : 0.022) / 3600;
      star.ra += error * normal(random) / std::cos(star.dec * std::numbers::pi / 180);
      star.dec += error * normal(random);
    }
  return survey;
}

TEST(RandomSurveys, WithPoorCentroidsKeepTheirMatches) {
  Tally tally;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    constexpr double DatumError = 0.005;
    auto const survey = with_poor_centroids(seed, DatumError);
    auto const result = align_globally(survey.images, survey.datum, DatumError, {});
    tally.add(survey, result);
    for (std::size_t g = 0; g < result.groups.size(); ++g) {
      auto const& fit = result.groups[g];
      if (fit.status != AlignStatus::Success) continue;
      int best = 0;  // of its pairs
      for (auto const& pair : result.pairs)
        if (pair.verdict == AlignStatus::Success &&
            (pair.first == static_cast<int>(g) || pair.second == static_cast<int>(g)))
          best = std::max(best, pair.matches);
      EXPECT_GE(fit.matches, best / 2) << "survey " << seed << ", " << fit.group;
      EXPECT_LT(std::max(fit.error[0], fit.error[1]), 0.1) << "survey " << seed << ", " << fit.group;
    }
  }
  RecordProperty("solved", tally.solved);
  RecordProperty("shift_pull_width", std::to_string(root_mean_square(tally.shift_pulls)));
  RecordProperty("error_rms", std::to_string(root_mean_square(tally.errors)));
  EXPECT_EQ(tally.wrong, 0);
  EXPECT_GT(tally.solved, 0.85 * tally.groups);
  EXPECT_NEAR(root_mean_square(tally.shift_pulls), 1, 0.25);
}

}  // namespace
}  // namespace tessera::exchange
