// The diffuse light taken off before stripes are measured (spec 40, 1.5).
#include "tessera/kernels/remove_diffuse.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/vector_noise.hpp"

namespace tessera {
namespace {

constexpr std::int64_t Side = 256;

struct DiffuseScene {
  std::vector<float> image, stripes;
  std::vector<std::uint8_t> sources = std::vector<std::uint8_t>(Side * Side, 0), bad = sources;

  explicit DiffuseScene(double level) {
    test::VectorNoise random(8);
    for (int y = 0; y < Side; ++y) {
      double const stripe = 0.1 * random.deviate();
      for (int x = 0; x < Side; ++x) {
        double const radius = std::hypot(x - 128.0, y - 128.0);
        image.push_back(
            static_cast<float>(level + std::exp(-radius * radius / 20000) + stripe + 0.02 * random.deviate()));
        stripes.push_back(static_cast<float>(stripe));
      }
    }
  }
  std::vector<std::uint8_t> run(std::uint64_t seed = 1) {
    kernels::DiffuseOptions options;
    options.seed = seed;
    return kernels::remove_diffuse(std::span(image), sources, bad, Side, Side, options);
  }
};

TEST(RemoveDiffuse, LeavesTheStripesAndTakesTheSmoothLight) {
  DiffuseScene scene(0);
  auto const before = scene.image;
  auto const mask = scene.run();
  auto const rms_about_mean = [&](std::vector<float> const& image) {
    double sum = 0, squares = 0;
    for (std::size_t k = 0; k < image.size(); ++k) sum += static_cast<double>(image[k] - scene.stripes[k]);
    double const mean = sum / static_cast<double>(image.size());
    for (std::size_t k = 0; k < image.size(); ++k)
      squares += std::pow(static_cast<double>(image[k] - scene.stripes[k]) - mean, 2);
    return std::sqrt(squares / static_cast<double>(image.size()));
  };
  EXPECT_LT(static_cast<double>(std::count(mask.begin(), mask.end(), 1)), 0.1 * Side * Side);
  EXPECT_GT(rms_about_mean(before), 0.15) << "of the galaxy";
  EXPECT_LT(rms_about_mean(scene.image), rms_about_mean(before) / 2);
}

TEST(RemoveDiffuse, DoesNotCareForTheLevelOfTheSky) {
  DiffuseScene dark(0), bright(50);
  for (auto* scene : {&dark, &bright})
    for (std::size_t y = 100; y < 140; ++y)
      for (std::size_t x = 30; x < 70; ++x) scene->bad[y * Side + x] = 1;
  dark.run();
  bright.run();
  double worst = 0;
  for (std::size_t k = 0; k < dark.image.size(); ++k)
    worst = std::max(worst, static_cast<double>(std::abs(dark.image[k] - bright.image[k])));
  EXPECT_LT(worst, 1e-3);
}

TEST(RemoveDiffuse, MasksSourcesAndHolesOnly) {
  DiffuseScene scene(1);
  auto const paint = [&](std::size_t x0, std::size_t y0, float value) {
    for (std::size_t y = y0; y < y0 + 5; ++y)
      for (std::size_t x = x0; x < x0 + 5; ++x) scene.image[y * Side + x] += value;
  };
  paint(40, 200, 10);
  paint(200, 40, -10);
  scene.image[30 * Side + 30] = NAN;
  scene.bad[30 * Side + 30] = 1;
  auto const mask = scene.run();
  EXPECT_EQ(mask[42 + 40 * Side], 0);
  EXPECT_EQ(mask[202 + 42 * Side], 1) << "the hole";
  EXPECT_EQ(mask[30 + 30 * Side], 1) << "the bad pixel";
  for (std::size_t k = 0; k < mask.size(); ++k) ASSERT_TRUE(std::isfinite(scene.image[k])) << k;
  EXPECT_NEAR(scene.image[202 * Side + 42], scene.stripes[202 * Side], 0.1) << "a bright pixel: median of its row";
}

TEST(RemoveDiffuse, DependsOnItsSeedAloneWhereNoiseStandsIn) {
  auto const make = [](std::uint64_t seed) {
    DiffuseScene scene(0);
    for (std::size_t k = 0; k < scene.bad.size(); k += 7) scene.bad[k] = 1;
    scene.run(seed);
    return scene.image;
  };
  EXPECT_EQ(make(5), make(5));
  EXPECT_NE(make(5), make(6));
}

TEST(RemoveDiffuse, LeavesAnImageWithoutGoodPixels) {
  DiffuseScene scene(0);
  scene.bad.assign(scene.bad.size(), 1);
  auto const before = scene.image;
  EXPECT_EQ(scene.run(), scene.bad);
  EXPECT_EQ(scene.image, before);
}

}  // namespace
}  // namespace tessera
