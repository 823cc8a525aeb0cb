// Robust principal components, and stripes measured with them.
#include "tessera/kernels/pca_stripes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/vector_noise.hpp"
#include "tessera/kernels/robust_pca.hpp"

namespace tessera::kernels {
namespace {

/// Vectors along two known directions about a known mean, in noise.
struct Sample {
  static constexpr std::int64_t Length = 40, Count = 300;
  std::vector<double> mean, first, second, values;
  std::vector<std::uint8_t> known = std::vector<std::uint8_t>(Length * Count, 1);

  Sample() {
    test::VectorNoise random(3);
    for (std::int64_t k = 0; k < Length; ++k) {
      double const phase = 2 * 3.141592653589793 * static_cast<double>(k) / Length;
      mean.push_back(1 + 0.5 * std::cos(5 * phase));
      first.push_back(std::sqrt(2.0 / Length) * std::sin(phase));
      second.push_back(std::sqrt(2.0 / Length) * std::cos(3 * phase));
    }
    for (std::int64_t v = 0; v < Count; ++v) {
      double const a = 5 * random.deviate(), b = 2 * random.deviate();
      for (std::size_t k = 0; k < Length; ++k)
        values.push_back(mean[k] + a * first[k] + b * second[k] + 0.1 * random.deviate());
    }
  }

  PrincipalComponents find(int components = 4) const {
    RobustPcaOptions options;
    options.components = components;
    return find_robust_components(values, known, Count, Length, options);
  }
};

double dot(std::vector<double> const& a, std::vector<double> const& b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += a[k] * b[k];
  return sum;
}

TEST(RobustComponents, FindDirectionsMeanAndNoise) {
  Sample const sample;
  auto const found = sample.find();
  ASSERT_EQ(found.vectors.size(), 4u);
  EXPECT_GT(std::abs(dot(found.vectors[0], sample.first)), 0.999);
  EXPECT_GT(std::abs(dot(found.vectors[1], sample.second)), 0.99);
  EXPECT_NEAR(found.variances[0], 25, 5);
  EXPECT_NEAR(found.variances[1], 4, 1);
  EXPECT_LT(found.variances[2], 0.04) << "noise: variance 0.01, a few of the largest";
  EXPECT_NEAR(found.noise, 0.01, 0.002);
  for (std::size_t k = 0; k < found.mean.size(); ++k) EXPECT_NEAR(found.mean[k], sample.mean[k], 0.25) << k;
  for (std::size_t a = 0; a < 4; ++a)
    for (std::size_t b = 0; b < 4; ++b) EXPECT_NEAR(dot(found.vectors[a], found.vectors[b]), a == b ? 1 : 0, 1e-9);
}

TEST(RobustComponents, DoNotFollowOutliers) {
  Sample sample;
  std::vector<double> spike(Sample::Length, 0.0);
  spike[7] = 1;
  for (std::int64_t v = 0; v < Sample::Count; v += 10)  // each tenth vector has a huge pixel
    sample.values[static_cast<std::size_t>(v * Sample::Length + 7)] += 60;
  auto const found = sample.find(2);
  EXPECT_GT(std::abs(dot(found.vectors[0], sample.first)), 0.99);
  EXPECT_GT(std::abs(dot(found.vectors[1], sample.second)), 0.95);
  for (auto const& vector : found.vectors) EXPECT_LT(std::abs(dot(vector, spike)), 0.3);
  EXPECT_NEAR(found.mean[7], sample.mean[7], 1) << "the plain mean is off by 6";
}

TEST(RobustComponents, FillGaps) {
  Sample sample;
  test::VectorNoise random(9);
  for (std::size_t k = 0; k < sample.known.size(); ++k)
    if (random.uniform() < 0.2) {
      sample.known[k] = 0;
      sample.values[k] = 1;
    }
  auto const found = sample.find(2);
  EXPECT_GT(std::abs(dot(found.vectors[0], sample.first)), 0.999);
  EXPECT_GT(std::abs(dot(found.vectors[1], sample.second)), 0.99);
}

constexpr std::int64_t Nx = 512, Ny = 256;
constexpr double Noise = 0.1;

/// Two amplifiers; in each one stripe profile that swells from its first column to its last: rank one, no row profile.
struct StripedImage {
  std::vector<float> image;
  std::vector<double> truth;
  std::vector<std::uint8_t> mask = std::vector<std::uint8_t>(Nx * Ny, 0);

  explicit StripedImage(double rms) : truth(Nx * Ny) {
    test::VectorNoise random(5);
    std::vector<std::vector<double>> const profiles{random.deviates(Ny), random.deviates(Ny)};
    for (std::size_t y = 0; y < Ny; ++y)
      for (std::size_t x = 0; x < Nx; ++x) {
        double const swell = 0.5 + static_cast<double>(x % 256) / 256;
        truth[y * Nx + x] = rms * swell * profiles[x / 256][y];
        image.push_back(static_cast<float>(3 + truth[y * Nx + x] + Noise * random.deviate()));
      }
  }

  std::vector<float> measure() const {
    PcaStripeOptions options;
    options.bounds = {0, 256, 512};
    options.components = 20;
    options.seed = 4;
    return measure_pca_stripes(image, mask, Nx, Ny, options);
  }
  double rms_left(std::vector<float> const& model) const {
    double squares = 0;
    for (std::size_t k = 0; k < model.size(); ++k) squares += std::pow(truth[k] - static_cast<double>(model[k]), 2);
    return std::sqrt(squares / (Nx * Ny));
  }
};

TEST(MeasurePcaStripes, RecoversStripesThatSwell) {
  StripedImage const scene(0.1);
  EXPECT_GT(scene.rms_left(std::vector<float>(Nx * Ny, 0.0f)), 0.09);
  EXPECT_LT(scene.rms_left(scene.measure()), 0.2 * Noise);
}

TEST(MeasurePcaStripes, RecoversThemBehindMaskedPixels) {
  StripedImage scene(0.1);
  for (std::size_t y = 60; y < 160; ++y)
    for (std::size_t x = 100; x < 220; ++x) {
      scene.image[y * Nx + x] += 50;
      scene.mask[y * Nx + x] = 1;
    }
  scene.image[5] = NAN;
  EXPECT_LT(scene.rms_left(scene.measure()), 0.25 * Noise);
}

TEST(MeasurePcaStripes, DoesNotTouchACleanImage) {
  StripedImage const scene(0);
  // No component: what is left is the mean vector, to the error of a mean of 256 columns.
  EXPECT_LT(scene.rms_left(scene.measure()), 1.5 * Noise / std::sqrt(256.0));
}

TEST(MeasurePcaStripes, LeavesAMaskedAmplifierAlone) {
  StripedImage scene(0.1);
  for (std::size_t k = 0; k < scene.mask.size(); ++k) scene.mask[k] = k % Nx < 256;
  auto const model = scene.measure();
  for (std::size_t y = 0; y < Ny; ++y)
    for (std::size_t x = 0; x < 256; ++x) ASSERT_EQ(model[y * Nx + x], 0.f);
  EXPECT_NE(model[300], 0.f);
}

TEST(MeasurePcaStripes, HasTheSameBitsEveryTime) {
  StripedImage const scene(0.1);
  EXPECT_EQ(scene.measure(), scene.measure());
}

}  // namespace
}  // namespace tessera::kernels
