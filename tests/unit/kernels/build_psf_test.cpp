// Effective PSFs measured from undersampled stars: what they do to the centres.
#include "tessera/kernels/build_psf.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "psf_fits.hpp"

namespace tessera {
namespace {

using test::MadeStamp;

struct Sampling {
  char const* band;
  double lambda_over_d, fwhm;  ///< pixels
};

class UndersampledStars : public testing::TestWithParam<Sampling> {};

TEST_P(UndersampledStars, KeepNoTraceOfThePixelPhase) {
  auto const& [band, lambda_over_d, fwhm] = GetParam();
  test::OpticsPsf const optics(lambda_over_d);
  auto const options = test::options_for(fwhm);
  auto const stamps = test::make_stamps(optics, 400, 2 * options.radius + 1, 3000, {}, 23);
  auto const built = kernels::build_effective_psf(test::stars_of(stamps), options);
  ASSERT_EQ(built.problem, "");
  EXPECT_EQ(built.stars, 400);
  auto const fitted = test::fit_all(stamps, built, options.fit_radius), found = test::find_all(stamps, fwhm);
  EXPECT_EQ(fitted.size(), 400U);
  EXPECT_GT(found.size(), 390U);
  EXPECT_LT(fitted.rms(), found.rms() / 3.5);
  EXPECT_LT(fitted.phase_bias(), found.phase_bias() / 8);
  EXPECT_NEAR(fitted.pull(), 1, 0.15);
}

INSTANTIATE_TEST_SUITE_P(Bands, UndersampledStars,
                         testing::Values(Sampling{"F300M", 1.51, 1.59}, Sampling{"F200W", 2.05, 2.14},
                                         Sampling{"F115W", 1.18, 1.29}, Sampling{"F770W", 2.2, 2.45}),
                         [](auto const& sampling) { return std::string(sampling.param.band); });

TEST(BuildEffectivePsf, GivesBackThePsfOfTheStars) {
  test::OpticsPsf const optics(2.05);
  auto const options = test::options_for(2.14);
  auto const stamps = test::make_stamps(optics, 500, 2 * options.radius + 1, 20000, {}, 29);
  auto const built = kernels::build_effective_psf(test::stars_of(stamps), options);
  ASSERT_EQ(built.problem, "");
  // The same centre, the level at the edge taken off, and the same light within the fitted radius.
  std::vector<double> samples;
  double level = 0;
  int ring = 0;
  for (int y = -4 * options.radius; y <= 4 * options.radius; ++y)
    for (int x = -4 * options.radius; x <= 4 * options.radius; ++x) {
      samples.push_back(optics.at(x / 4.0, y / 4.0));
      if (std::abs(std::hypot(x, y) / 4 - options.fit_radius) > 0.5) continue;
      level += samples.back();
      ++ring;
    }
  for (auto& sample : samples) sample -= level / ring;
  kernels::EffectivePsf truth(options.radius, samples);
  truth.centre(built.psf.fwhm());
  kernels::EffectivePsf measured = built.psf;
  measured.centre(built.psf.fwhm());
  double const light = truth.light_within(options.fit_radius) / measured.light_within(options.fit_radius);
  double const peak = truth.at(0, 0).value;
  for (double x = -3; x <= 3; x += 0.3)
    for (double y = -3; y <= 3; y += 0.3)
      EXPECT_NEAR(light * measured.at(x, y).value, truth.at(x, y).value, 0.01 * peak) << x << " " << y;
  EXPECT_NEAR(measured.fwhm(), truth.fwhm(), 0.05);
}

TEST(BuildEffectivePsf, SurvivesBlendsCosmicRaysAndEmission) {
  test::OpticsPsf const optics(1.51);
  auto const options = test::options_for(1.59);
  int const side = 2 * options.radius + 1;
  auto stamps = test::make_stamps(optics, 300, side, 3000, {.slope_x = 6, .slope_y = -4}, 31);
  test::VectorNoise random(37);
  for (std::size_t k = 0; k < stamps.size(); ++k) {
    auto& stamp = stamps[k];
    double const blob_x = side * random.uniform(), blob_y = side * random.uniform();
    double const x = side * random.uniform(), y = side * random.uniform();
    for (int row = 0; row < side; ++row)
      for (int column = 0; column < side; ++column) {
        auto& value = stamp.value[static_cast<std::size_t>(row * side + column)];
        double const r2 = std::pow(column - blob_x, 2) + std::pow(row - blob_y, 2);
        value += static_cast<float>(20 * std::exp(-r2 / 50));  // diffuse emission, 20 times the noise
        if (k % 4 == 0) value += static_cast<float>(0.3 * stamp.flux * optics.at(column - x, row - y));
      }
    if (k % 5 == 0) stamp.value[static_cast<std::size_t>(side * side * random.uniform())] += 800;
  }
  auto const built = kernels::build_effective_psf(test::stars_of(stamps), options);
  ASSERT_EQ(built.problem, "");
  auto const clean = test::make_stamps(optics, 300, side, 3000, {}, 41);
  auto const fitted = test::fit_all(clean, built, options.fit_radius), found = test::find_all(clean, 1.59);
  EXPECT_LT(fitted.rms(), found.rms() / 3);
  EXPECT_LT(fitted.phase_bias(), found.phase_bias() / 8);
}

TEST(BuildEffectivePsf, IsTheSameFromTheSameStars) {
  test::OpticsPsf const optics(1.51);
  auto const options = test::options_for(1.59);
  auto const stamps = test::make_stamps(optics, 60, 2 * options.radius + 1, 3000, {}, 43);
  auto const first = kernels::build_effective_psf(test::stars_of(stamps), options);
  auto const second = kernels::build_effective_psf(test::stars_of(stamps), options);
  ASSERT_EQ(first.problem, "");
  EXPECT_EQ(first.psf.samples(), second.psf.samples());
  EXPECT_EQ(first.psf.centre_x(), second.psf.centre_x());
}

TEST(BuildEffectivePsf, DeclinesWhereStarsAreTooFewOrAllAlike) {
  test::OpticsPsf const optics(1.51);
  auto const options = test::options_for(1.59);
  int const side = 2 * options.radius + 1;
  EXPECT_EQ(kernels::build_effective_psf({}, options).problem, "0 usable stars, 20 needed");
  auto const few = test::make_stamps(optics, 12, side, 3000, {}, 47);
  auto const built = kernels::build_effective_psf(test::stars_of(few), options);
  EXPECT_TRUE(built.psf.is_empty());
  EXPECT_EQ(built.problem, "12 usable stars, 20 needed");

  std::vector<MadeStamp> alike;
  test::VectorNoise random(53);
  for (int k = 0; k < 100; ++k)
    alike.push_back(
        test::make_stamp(optics, side, side / 2 + 0.1 * random.uniform(), side / 2 + 0.1, 3000, {}, random));
  EXPECT_NE(kernels::build_effective_psf(test::stars_of(alike), options).problem.find("of 16 parts of a pixel"),
            std::string::npos);
}

}  // namespace
}  // namespace tessera
