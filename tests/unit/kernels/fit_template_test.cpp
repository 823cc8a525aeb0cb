// A template scaled to an image.
#include "tessera/kernels/fit_template.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "support/vector_noise.hpp"

namespace tessera::kernels {
namespace {

constexpr std::int64_t Side = 512;
constexpr double Noise = 0.1;

struct Scene {
  std::vector<float> pattern, image;
  std::vector<std::uint8_t> mask = std::vector<std::uint8_t>(Side * Side, 0);
  std::vector<std::int64_t> bounds{0, 256, 512};

  explicit Scene(double scale, std::uint32_t seed = 5) {
    test::VectorNoise random(seed);
    for (std::int64_t y = 0; y < Side; ++y)
      for (std::int64_t x = 0; x < Side; ++x) {
        double const t = std::exp(-std::pow((static_cast<double>(x - y) - 30) / 60, 2));
        pattern.push_back(static_cast<float>(t));
        image.push_back(static_cast<float>(scale * t + (x < 256 ? 3 : 5) + Noise * random.deviate()));
      }
  }
  TemplateFit fit() const { return fit_template(image, pattern, mask, Side, Side, bounds); }
};

TEST(FitTemplate, FindsTheScaleAndItsError) {
  double squares = 0;
  constexpr int Tries = 12;
  double error = 0;
  for (int k = 0; k < Tries; ++k) {
    auto const fit = Scene(0.7, static_cast<std::uint32_t>(k + 1)).fit();
    EXPECT_NEAR(fit.scale, 0.7, 5 * fit.error);
    squares += std::pow(fit.scale - 0.7, 2) / Tries;
    error += fit.error / Tries;
  }
  EXPECT_GT(std::sqrt(squares), 0.4 * error);
  EXPECT_LT(std::sqrt(squares), 1.8 * error);
  EXPECT_LT(error, 0.002);
}

TEST(FitTemplate, DoesNotFollowStars) {
  Scene scene(0.7);
  for (std::size_t k = 0; k < scene.image.size(); k += 97) scene.image[k] += 20;
  EXPECT_NEAR(scene.fit().scale, 0.7, 0.01);
}

TEST(FitTemplate, LeavesOutMaskedPixelsAndNaN) {
  Scene scene(0.7);
  for (std::size_t k = 0; k < scene.image.size() / 4; ++k) {
    scene.mask[k] = 1;
    scene.image[k] = static_cast<float>(100 * scene.pattern[k]);
  }
  scene.image.back() = NAN;
  scene.pattern[scene.pattern.size() - 2] = NAN;
  auto const fit = scene.fit();
  EXPECT_NEAR(fit.scale, 0.7, 0.01);
  EXPECT_LT(fit.used, Side * Side * 3 / 4 - 1);
}

TEST(FitTemplate, IsNothingForAConstantTemplate) {
  Scene scene(0.7);
  std::fill(scene.pattern.begin(), scene.pattern.end(), 2.0f);
  EXPECT_EQ(scene.fit().used, 0);
  EXPECT_EQ(scene.fit().scale, 0);
}

}  // namespace
}  // namespace tessera::kernels
