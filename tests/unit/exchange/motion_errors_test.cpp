// Errors that groups aligned one after the other are stated to have, against those that they do have.
#include "../../../src/exchange/align/motion_errors.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "../../../src/exchange/align/robust_fit.hpp"
#include "align_scene.hpp"
#include "tessera/exchange/align_groups.hpp"

namespace tessera::exchange {
namespace {

using test::AlignScene;

/// Sums of squares of errors over standard errors: x, y, roll.
struct Pulls {
  std::array<double, 3> squares{};
  int count = 0;

  /// `error`, `roll`: of the pointing of the group, as given to AlignScene::add_group.
  void add(GroupFit const& fit, model::WcsCorrection const& correction, std::array<double, 2> const& error,
           double roll) {
    auto const& m = correction.matrix;
    double const arcsec = sky::RadiansPerDegree / 3600;
    for (std::size_t axis = 0; axis < 2; ++axis) {
      double const left = m[axis][0] * error[0] + m[axis][1] * error[1] + correction.shift[axis] / arcsec;
      squares[axis] += std::pow(left / fit.error[axis], 2);
    }
    // The images are turned by -roll; the matrix by its own angle.
    double const turned = std::atan2(m[1][0], m[0][0]) / sky::RadiansPerDegree - roll;
    squares[2] += std::pow(turned / fit.error[2], 2);
    ++count;
  }
  double width(std::size_t axis) const { return std::sqrt(squares[axis] / count); }
};

TweakregOptions chain_options() {
  TweakregOptions options;
  options.expand_refcat = options.enforce_user_order = true;
  for (auto* stage : {&options.relative, &options.absolute}) {
    stage->minobj = 4;
    stage->searchrad = 1;
    stage->separation = 0.3;
    stage->tolerance = 0.2;
    stage->sigma = 6;
  }
  return options;
}

constexpr std::array<std::array<double, 2>, 3> Errors{{{0, 0}, {0.11, -0.2}, {-0.15, 0.08}}};
constexpr std::array<double, 3> Rolls{0, 0.01, -0.02};

/// Three images in a row with strips of seven arcsec in common, some eight stars in each; noise of 10 mas.
AlignScene chain(unsigned seed) {
  AlignScene scene(seed, 1600, 0.01);
  for (std::size_t k = 0; k < 3; ++k)
    scene.add_group(std::string(1, static_cast<char>('a' + k)), {0.0064 * static_cast<double>(k), 0}, Errors[k],
                    Rolls[k]);
  return scene;
}

TEST(MotionErrors, HoldAtTheEndOfAChainOfNarrowOverlaps) {
  Pulls second, third;
  double shorter = 0, longer = 0;
  for (unsigned seed = 0; seed < 150; ++seed) {
    auto const scene = chain(seed);
    auto const alignment = align_relative(scene.images(), chain_options());
    for (std::size_t k : {1, 2}) {
      auto const& fit = alignment.groups[k];
      if (fit.status != AlignStatus::Success || alignment.groups[1].status != AlignStatus::Success) continue;
      (k == 1 ? second : third).add(fit, *alignment.corrections[k], Errors[k], Rolls[k]);
      (k == 1 ? shorter : longer) += fit.error[1] / 150;
    }
  }
  ASSERT_GT(third.count, 120);
  for (std::size_t axis = 0; axis < 3; ++axis) {
    EXPECT_NEAR(second.width(axis), 1, 0.15) << axis;
    EXPECT_NEAR(third.width(axis), 1, 0.15) << axis;
  }
  EXPECT_GT(longer, 1.5 * shorter);  // what the second is turned by, the third is off by at twice the lever
}

TEST(MotionErrors, OfBothStagesAreThoseAgainstTheSky) {
  Pulls pulls;
  for (unsigned seed = 0; seed < 150; ++seed) {
    auto const scene = chain(1000 + seed);
    std::mt19937 random(seed);
    std::normal_distribution<double> noise(0, 0.03 / 3600);
    std::vector<model::Star> catalogue;  // every eighth star, with errors of 30 mas
    for (std::size_t k = 0; k < scene.catalogue().size(); k += 8) {
      catalogue.push_back(scene.catalogue()[k]);
      catalogue.back().ra += noise(random);
      catalogue.back().dec += noise(random);
    }
    auto const alignment = align(scene.images(), catalogue, chain_options());
    if (alignment.groups.back().status != AlignStatus::Success) continue;
    for (std::size_t k : {1, 2})
      if (alignment.groups[k].status == AlignStatus::Success)
        pulls.add(alignment.groups[k], *alignment.corrections[k], Errors[k], Rolls[k]);
  }
  ASSERT_GT(pulls.count, 240);
  for (std::size_t axis = 0; axis < 3; ++axis) EXPECT_NEAR(pulls.width(axis), 1, 0.15) << axis;
}

TEST(MotionErrors, OfGroupsFittedToACatalogueOneByOneHold) {
  Pulls pulls;
  auto options = chain_options();
  options.absolute_by_group = true;
  options.catalogue_error = 0.02;
  for (unsigned seed = 0; seed < 150; ++seed) {
    auto scene = chain(2000 + seed);
    std::mt19937 random(seed);
    std::normal_distribution<double> noise(0, 0.02 / 3600);
    std::vector<model::Star> catalogue;
    for (std::size_t k = 0; k < scene.catalogue().size(); k += 3) {
      catalogue.push_back(scene.catalogue()[k]);
      catalogue.back().ra += noise(random);
      catalogue.back().dec += noise(random);
    }
    auto images = scene.images();
    for (auto& image : images)
      for (auto& star : image.stars) star.error = 0.01 / image.pixel_scale;
    auto const alignment = align(images, catalogue, options);
    ASSERT_EQ(alignment.groups.size(), 3u);  // no group of all
    for (std::size_t k = 0; k < 3; ++k)
      if (alignment.groups[k].status == AlignStatus::Success)
        pulls.add(alignment.groups[k], *alignment.corrections[k], Errors[k], Rolls[k]);
  }
  ASSERT_GT(pulls.count, 400);
  for (std::size_t axis = 0; axis < 3; ++axis) EXPECT_NEAR(pulls.width(axis), 1, 0.15) << axis;
}

TEST(MotionErrors, AreNotKnownWithoutADegreeOfFreedom) {
  MotionErrors errors({{10, 20}, 0, 0, 0}, 2);
  std::vector<FitTie> const ties{{10, 20, 0}, {10.001, 20, 0}};
  errors.fit_group(1, ties, {0.01, 1}, true);
  EXPECT_EQ(errors.at(1, {10, 20}), (std::array<double, 3>{0, 0, 0}));
  std::vector<FitTie> const on_unknown{{10, 20, 1}, {10.001, 20, 1}, {10, 20.001, 1}};
  errors.fit_group(0, on_unknown, {0.01, 10}, true);
  EXPECT_EQ(errors.at(0, {10, 20})[0], 0);
}

TEST(FitRobustly, IsRightThoughFortyPercentAreWrong) {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> place(-60, 60), wrong(-0.3, 0.3);
  std::normal_distribution<double> normal(0, 1);
  std::vector<kernels::PlanePosition> image, reference;
  std::vector<double> variances;
  double const c = std::cos(2e-4), s = std::sin(2e-4);
  for (int k = 0; k < 50; ++k) {
    double const x = place(random), y = place(random), error = k % 2 == 0 ? 0.003 : 0.02;
    bool const is_wrong = k % 5 < 2;
    image.push_back({x + error * normal(random), y + error * normal(random)});
    reference.push_back(
        {c * x - s * y + 0.12 + (is_wrong ? wrong(random) : 0), s * x + c * y - 0.07 + (is_wrong ? wrong(random) : 0)});
    variances.push_back(error * error);
  }
  auto const plain = kernels::fit_positions(image, reference, {}, {kernels::FitGeometry::Rshift, 0, 3, 0});
  ASSERT_TRUE(plain);
  auto const robust = fit_robustly(image, reference, variances, *plain, kernels::FitGeometry::Rshift);
  ASSERT_TRUE(robust);
  EXPECT_GT(std::hypot(plain->shift[0] - 0.12, plain->shift[1] + 0.07), 0.01);
  EXPECT_LT(std::hypot(robust->fit.shift[0] - 0.12, robust->fit.shift[1] + 0.07), 0.004);
  EXPECT_NEAR(std::atan2(robust->fit.matrix[1][0], robust->fit.matrix[0][0]), 2e-4, 5e-5);
}

}  // namespace
}  // namespace tessera::exchange
