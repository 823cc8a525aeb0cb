// The effective PSF as a function: its spline, its centre, its width.
#include "tessera/kernels/effective_psf.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "support/vector_noise.hpp"

namespace tessera {
namespace {

using kernels::EffectivePsf;

double gaussian_pixel(double offset, double sigma) {
  auto const edge = [&](double at) { return 0.5 * std::erf(at / (std::sqrt(2.0) * sigma)); };
  return edge(offset + 0.5) - edge(offset - 0.5);
}

EffectivePsf random_psf(int radius, std::uint32_t seed) {
  test::VectorNoise random(seed);
  int const side = 2 * EffectivePsf::Oversampling * radius + 1;
  return {radius, random.deviates(static_cast<std::int64_t>(side) * side)};
}

TEST(EffectivePsf, GoesThroughItsSamples) {
  for (int const radius : {1, 2, 5}) {
    auto const psf = random_psf(radius, 3);
    int const half = 4 * radius;
    for (int y = 0; y < psf.side(); ++y)
      for (int x = 0; x < psf.side(); ++x)
        EXPECT_NEAR(psf.at((x - half) / 4.0, (y - half) / 4.0).value,
                    psf.samples()[static_cast<std::size_t>(y * psf.side() + x)], 1e-12)
            << radius << " " << x << " " << y;
  }
}

TEST(EffectivePsf, HasSmoothDerivatives) {
  auto const psf = random_psf(4, 5);
  test::VectorNoise random(7);
  double const h = 1e-5;
  for (int k = 0; k < 300; ++k) {
    double const x = 7 * random.uniform() - 3.5, y = 7 * random.uniform() - 3.5;
    auto const value = psf.at(x, y);
    EXPECT_NEAR(value.dx, (psf.at(x + h, y).value - psf.at(x - h, y).value) / (2 * h), 1e-5);
    EXPECT_NEAR(value.dy, (psf.at(x, y + h).value - psf.at(x, y - h).value) / (2 * h), 1e-5);
  }
}

TEST(EffectivePsf, IsZeroBeyondItsGrid) {
  auto const psf = random_psf(3, 9);
  for (auto const& [x, y] : {std::pair{3.001, 0.0}, {0.0, -3.001}, {-100.0, 2.0}, {NAN, 0.0}}) {
    EXPECT_EQ(psf.at(x, y).value, 0);
    EXPECT_EQ(psf.at(x, y).dx, 0);
  }
}

TEST(EffectivePsf, FollowsAnUndersampledGaussianBetweenItsSamples) {
  for (double const fwhm : {1.3, 1.6, 2.1, 6.0}) {
    double const sigma = fwhm / std::sqrt(8 * std::log(2.0));
    auto const psf = kernels::make_gaussian_psf(6, sigma);
    double const peak = std::pow(gaussian_pixel(0, sigma), 2);
    test::VectorNoise random(11);
    for (int k = 0; k < 200; ++k) {
      double const x = 6 * random.uniform() - 3, y = 6 * random.uniform() - 3;
      EXPECT_NEAR(psf.at(x, y).value, gaussian_pixel(x, sigma) * gaussian_pixel(y, sigma), 2e-3 * peak) << fwhm;
    }
  }
}

TEST(EffectivePsf, PutsItsCentreWhereTheWindowedMomentsVanish) {
  test::VectorNoise random(13);
  auto const psf = [&] {  // two blobs of different width: no symmetry
    auto samples = kernels::make_gaussian_psf(5, 0.8).samples();
    auto const other = kernels::make_gaussian_psf(5, 1.4);
    for (int y = 0; y < 41; ++y)
      for (int x = 0; x < 41; ++x)
        samples[static_cast<std::size_t>(y * 41 + x)] +=
            0.4 * other.at((x - 20) / 4.0 - 0.7, (y - 20) / 4.0 + 0.4).value;
    EffectivePsf made(5, samples);
    made.centre(2.0);
    return made;
  }();
  EXPECT_GT(psf.centre_x(), 0.05);
  EXPECT_LT(psf.centre_y(), -0.03);
  double const sigma = 2.0 / std::sqrt(8 * std::log(2.0));
  double sum = 0, x_moment = 0, y_moment = 0;
  for (int y = -16; y <= 16; ++y)
    for (int x = -16; x <= 16; ++x) {
      double const weight = psf.at(x / 4.0, y / 4.0).value * std::exp(-(x * x + y * y) / 16.0 / (2 * sigma * sigma));
      sum += weight;
      x_moment += weight * x / 4.0;
      y_moment += weight * y / 4.0;
    }
  EXPECT_NEAR(x_moment / sum, 0, 2e-3);
  EXPECT_NEAR(y_moment / sum, 0, 2e-3);
}

TEST(EffectivePsf, FindsTheCentreOfSymmetry) {
  auto const round = kernels::make_gaussian_psf(5, 0.7);
  std::vector<double> samples;
  for (int y = -20; y <= 20; ++y)
    for (int x = -20; x <= 20; ++x) samples.push_back(round.at(x / 4.0 - 0.31, y / 4.0 + 0.17).value);
  EffectivePsf psf(5, samples);
  psf.centre(1.6);
  EXPECT_NEAR(psf.centre_x(), 0.31, 1e-4);
  EXPECT_NEAR(psf.centre_y(), -0.17, 1e-4);
  EXPECT_NEAR(psf.light_within(4.5), 1, 1e-4);
}

TEST(EffectivePsf, KnowsItsWidth) {
  double const sigma = 1.1;
  auto const psf = kernels::make_gaussian_psf(6, sigma);
  double const half = psf.fwhm() / 2;
  EXPECT_NEAR(gaussian_pixel(half, sigma), gaussian_pixel(0, sigma) / 2, 5e-3);
}

}  // namespace
}  // namespace tessera
