// The global solution beside tweakreg's one group after another, on the same random surveys.
#include <gtest/gtest.h>

#include <cmath>

#include "tessera/exchange/align_groups.hpp"
#include "true_gauge.hpp"

namespace tessera::exchange {
namespace {

using namespace test_survey;

constexpr double Wrong = 0.05;  // arcsec

/// What is left of the error of a group at its tangent point, and where that is in the survey; arcsec.
struct LeftOver {
  double at_x = 0, at_y = 0, x = 0, y = 0;
};

/// Takes the common shift and roll of those that are not wrong off, for a survey without a datum has none.
void take_common_motion_off(std::vector<LeftOver>& list) {
  for (int pass = 0; pass < 30; ++pass) {
    // Weighted by one over the error: a wrong group does not count much.
    double n = 0, x = 0, y = 0, at_x = 0, at_y = 0, turn = 0, lever = 0;
    auto const weight = [](LeftOver const& l) { return 1 / std::max(1e-3, std::hypot(l.x, l.y)); };
    for (auto const& l : list) {
      n += weight(l);
      x += weight(l) * l.x;
      y += weight(l) * l.y;
      at_x += weight(l) * l.at_x;
      at_y += weight(l) * l.at_y;
    }
    for (auto& l : list) {
      turn += weight(l) * ((l.at_x - at_x / n) * (l.y - y / n) - (l.at_y - at_y / n) * (l.x - x / n));
      lever += weight(l) * (std::pow(l.at_x - at_x / n, 2) + std::pow(l.at_y - at_y / n, 2));
    }
    double const roll = list.size() > 2 && lever > 0 ? turn / lever : 0;
    for (auto& l : list) {
      l.x -= x / n - roll * (l.at_y - at_y / n);
      l.y -= y / n + roll * (l.at_x - at_x / n);
    }
  }
}

struct Score {
  int groups = 0, aligned = 0, wrong = 0;
  double sum2 = 0;  ///< of those that are aligned

  void add(RandomSurvey const& survey, Alignment const& result, std::vector<int> const& island) {
    groups += static_cast<int>(result.groups.size());
    std::map<int, std::vector<LeftOver>> left;
    auto const middle = sky::tangent_axes(survey.planes[0].tangent);
    for (std::size_t g = 0; g < result.groups.size(); ++g) {
      auto const& fit = result.groups[g];
      if (fit.status != AlignStatus::Success && fit.status != AlignStatus::Reference) continue;
      ++aligned;
      auto const centre = sky::to_vector(survey.planes[g].tangent);
      double const towards = sky::dot(centre, middle.centre) / Arcsec;
      left[island[g]].push_back({sky::dot(centre, middle.east) / towards, sky::dot(centre, middle.north) / towards,
                                 fit.shift[0] - survey.truth[g].x, fit.shift[1] - survey.truth[g].y});
    }
    for (auto& [number, list] : left) {
      take_common_motion_off(list);
      for (auto const& l : list) {
        wrong += std::hypot(l.x, l.y) > Wrong;
        sum2 += l.x * l.x + l.y * l.y;
      }
    }
  }
  double rms() const { return std::sqrt(sum2 / aligned); }
};

TEST(AlignmentMethods, GlobalIsBetterThanOneAfterAnother) {
  Score global, shift, rshift;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    auto const survey = SurveyMaker(random_options(seed), seed).make();
    auto const result = align_globally(survey.images, {}, 0, {});
    global.add(survey, result, islands_of(result));
    // As the survey team has it, the 500 brightest of an image.
    auto images = survey.images;
    for (auto& image : images) {
      std::stable_sort(image.stars.begin(), image.stars.end(),
                       [](model::Star const& a, model::Star const& b) { return a.flux > b.flux; });
      if (image.stars.size() > 500) image.stars.resize(500);
    }
    TweakregOptions options;
    options.expand_refcat = true;
    options.relative.minobj = 3;
    options.relative.tolerance = 0.3;
    std::vector<int> const together(survey.groups.size(), 0);
    options.relative.fitgeometry = kernels::FitGeometry::Shift;
    shift.add(survey, align_relative(images, options), together);
    options.relative.fitgeometry = kernels::FitGeometry::Rshift;
    rshift.add(survey, align_relative(images, options), together);
  }
  for (auto const& [name, score] : {std::pair{"global", global}, {"shift", shift}, {"rshift", rshift}}) {
    RecordProperty(std::string(name) + "_aligned",
                   std::to_string(score.aligned) + " of " + std::to_string(score.groups));
    RecordProperty(std::string(name) + "_rms_arcsec", std::to_string(score.rms()));
    RecordProperty(std::string(name) + "_wrong", score.wrong);
  }
  EXPECT_EQ(global.wrong, 0);
  EXPECT_LT(global.rms(), 0.004);
  EXPECT_LT(global.rms(), 0.5 * shift.rms());
  EXPECT_LT(global.rms(), 0.5 * rshift.rms());
  EXPECT_GE(global.aligned, shift.aligned);
}

}  // namespace
}  // namespace tessera::exchange
