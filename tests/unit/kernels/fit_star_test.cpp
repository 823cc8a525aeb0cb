// Fits of single stars with a known PSF.
#include "tessera/kernels/fit_star.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/optics_psf.hpp"

namespace tessera {
namespace {

using kernels::EffectivePsf;
using kernels::FitStarOptions;

constexpr float NaN = std::numeric_limits<float>::quiet_NaN();
constexpr int Side = 15;

EffectivePsf sampled(test::OpticsPsf const& optics, int radius = 6) {
  std::vector<double> samples;
  for (int y = -4 * radius; y <= 4 * radius; ++y)
    for (int x = -4 * radius; x <= 4 * radius; ++x) samples.push_back(optics.at(x / 4.0, y / 4.0));
  return {radius, samples};
}

/// A star of the PSF itself without noise, of errors 1.
test::MadeStamp exact_stamp(EffectivePsf const& psf, double x, double y, double flux) {
  test::MadeStamp stamp{Side, x, y, flux, {}, {}};
  for (int row = 0; row < Side; ++row)
    for (int column = 0; column < Side; ++column) {
      stamp.value.push_back(
          static_cast<float>(flux * psf.at(column - x, row - y).value + 20 + 0.5 * column - 0.3 * row));
      stamp.error.push_back(1);
    }
  return stamp;
}

TEST(FitStar, FindsCentreFluxAndBackgroundAtEveryPhase) {
  auto const psf = sampled(test::OpticsPsf(1.51));
  for (double x = 6.5; x < 7.5; x += 0.125)
    for (double y = 6.5; y < 7.5; y += 0.125) {
      auto const stamp = exact_stamp(psf, x, y, 500);
      auto const fit = kernels::fit_star(stamp.view(), psf, 7.2, 6.8, {}, {});
      ASSERT_TRUE(fit.good) << x << " " << y;
      EXPECT_NEAR(fit.x, x, 2e-6);
      EXPECT_NEAR(fit.y, y, 2e-6);
      EXPECT_NEAR(fit.flux, 500, 1e-3);
      EXPECT_NEAR(fit.slope_x, 0.5, 1e-4);
      EXPECT_NEAR(fit.slope_y, -0.3, 1e-4);
      EXPECT_NEAR(fit.background, 20 + 0.5 * 7.2 - 0.3 * 6.8, 1e-4);
    }
}

TEST(FitStar, UsesThePixelsOfTheImageAndTheCornerOfTheStamp) {
  auto const psf = sampled(test::OpticsPsf(2.05));
  auto const stamp = exact_stamp(psf, 7.3, 6.9, 800);
  auto view = stamp.view();
  view.x0 = 1000;
  view.y0 = -3;
  auto const fit = kernels::fit_star(view, psf, 1007, 4, {}, {});
  ASSERT_TRUE(fit.good);
  EXPECT_NEAR(fit.x, 1007.3, 1e-5);
  EXPECT_NEAR(fit.y, 3.9, 1e-5);
}

TEST(FitStar, StatesTheErrorsThatNoiseMakes) {
  test::OpticsPsf const optics(1.51);
  auto const psf = sampled(optics);
  for (double const flux : {40.0, 400.0, 20000.0}) {  // sky noise, both, light
    test::CentreErrors errors;
    for (auto const& stamp : test::make_stamps(optics, 600, Side, flux, {}, 17)) {
      auto const fit = kernels::fit_star(stamp.view(), psf, 7, 7, {}, {});
      if (fit.good) errors.add(fit.x - stamp.x, stamp.x, fit.error);
    }
    EXPECT_GT(errors.size(), 590U);
    EXPECT_NEAR(errors.pull(), 1, 0.1) << flux;
    EXPECT_NEAR(errors.mean(), 0, 4 * errors.rms() / std::sqrt(600.0)) << flux;
  }
}

TEST(FitStar, LeavesOutSaturatedAndBadPixels) {
  auto const psf = sampled(test::OpticsPsf(1.51));
  auto stamp = exact_stamp(psf, 7.2, 6.9, 1e5);
  for (int const k : {7 * Side + 7, 7 * Side + 6, 9 * Side + 4}) stamp.value[static_cast<std::size_t>(k)] = NaN;
  stamp.error[6 * Side + 7] = 0;
  stamp.error[6 * Side + 9] = NaN;
  auto const whole = kernels::fit_star(exact_stamp(psf, 7.2, 6.9, 1e5).view(), psf, 7, 7, {}, {});
  auto const fit = kernels::fit_star(stamp.view(), psf, 7, 7, {}, {});
  ASSERT_TRUE(fit.good);
  EXPECT_EQ(fit.pixels, whole.pixels - 5);
  EXPECT_NEAR(fit.x, 7.2, 1e-5);
  EXPECT_NEAR(fit.y, 6.9, 1e-5);
  EXPECT_GT(fit.error, 1.3 * whole.error);
}

TEST(FitStar, ClipsACosmicRay) {
  test::OpticsPsf const optics(2.05);
  auto const psf = sampled(optics);
  test::VectorNoise random(19);
  auto stamp = test::make_stamp(optics, Side, 7.1, 7.3, 3000, {}, random);
  auto const clean = kernels::fit_star(stamp.view(), psf, 7, 7, {}, {});
  stamp.value[8 * Side + 10] += 400;
  stamp.value[9 * Side + 10] += 300;
  auto const fit = kernels::fit_star(stamp.view(), psf, 7, 7, {}, {});
  auto const unclipped = kernels::fit_star(stamp.view(), psf, 7, 7, {}, {.clip_sigma = 0});
  ASSERT_TRUE(fit.good);
  EXPECT_EQ(fit.pixels, clean.pixels - 2);
  EXPECT_NEAR(fit.x, clean.x, 2 * clean.error);
  EXPECT_GT(std::abs(unclipped.x - clean.x), 5 * clean.error);
}

TEST(FitStar, FitsListedNeighboursToo) {
  test::OpticsPsf const optics(1.51);
  auto const psf = sampled(optics);
  auto stamp = exact_stamp(psf, 7.2, 6.9, 1000);
  for (int row = 0; row < Side; ++row)
    for (int column = 0; column < Side; ++column)
      stamp.value[static_cast<std::size_t>(row * Side + column)] +=
          static_cast<float>(600 * psf.at(column - 9.4, row - 7.8).value + 900 * psf.at(column - 3.0, row - 2.9).value);
  std::vector<kernels::Neighbour> const neighbours{{9.6, 7.7}, {3.0, 2.9}, {40, 40}};
  auto const together = kernels::fit_star(stamp.view(), psf, 7, 7, neighbours, {});
  auto const alone = kernels::fit_star(stamp.view(), psf, 7, 7, {}, {});
  ASSERT_TRUE(together.good);
  EXPECT_NEAR(together.x, 7.2, 1e-4);
  EXPECT_NEAR(together.y, 6.9, 1e-4);
  EXPECT_GT(std::hypot(alone.x - 7.2, alone.y - 6.9), 0.02);
}

TEST(FitStar, EnlargesErrorsWhereThePsfDoesNotFit) {
  auto const psf = sampled(test::OpticsPsf(1.51));
  auto const broad = kernels::make_gaussian_psf(6, 1.6);  // a small galaxy
  test::MadeStamp stamp = exact_stamp(broad, 7.1, 7.2, 5000);
  auto const star = kernels::fit_star(exact_stamp(psf, 7.1, 7.2, 5000).view(), psf, 7, 7, {}, {});
  auto const galaxy = kernels::fit_star(stamp.view(), psf, 7, 7, {}, {});
  ASSERT_TRUE(galaxy.good);
  EXPECT_GT(galaxy.chi2, 100);
  EXPECT_GT(galaxy.error, 10 * star.error);
  EXPECT_LT(star.chi2, 1e-3);
}

TEST(FitStar, SaysSoWhereThereIsNoStar) {
  auto const psf = sampled(test::OpticsPsf(1.51));
  test::MadeStamp flat{Side, 7, 7, 0, std::vector<float>(Side * Side, 5), std::vector<float>(Side * Side, 1)};
  EXPECT_FALSE(kernels::fit_star(flat.view(), psf, 7, 7, {}, {}).good);
  auto dip = exact_stamp(psf, 7, 7, -500);
  EXPECT_FALSE(kernels::fit_star(dip.view(), psf, 7, 7, {}, {}).good);
  auto far = exact_stamp(psf, 9.4, 7, 500);
  EXPECT_FALSE(kernels::fit_star(far.view(), psf, 7, 7, {}, {}).good);
  auto empty = exact_stamp(psf, 7, 7, 500);
  for (auto& value : empty.value) value = NaN;
  EXPECT_FALSE(kernels::fit_star(empty.view(), psf, 7, 7, {}, {}).good);
}

}  // namespace
}  // namespace tessera
