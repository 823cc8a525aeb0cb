// Circles on pixels: exact areas, edges, and what is not a number.
#include "tessera/kernels/apertures.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace tessera::kernels {
namespace {

TEST(DiscOverlap, AddsUpToTheAreaOfTheDisc) {
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    double const radius = 0.05 + 9 * static_cast<double>(random()) / 4294967296.0;
    double const x = static_cast<double>(random()) / 4294967296.0, y = static_cast<double>(random()) / 4294967296.0;
    double sum = 0;
    for (int row = -12; row <= 12; ++row)
      for (int column = -12; column <= 12; ++column) {
        double const part = disc_overlap(column - x, row - y, radius);
        EXPECT_GE(part, -1e-12);
        EXPECT_LE(part, 1 + 1e-12);
        sum += part;
      }
    EXPECT_NEAR(sum, 3.14159265358979 * radius * radius, 1e-10 * (1 + sum)) << radius;
  }
}

TEST(DiscOverlap, AgreesWithCounting) {
  std::mt19937 random(6);
  for (int round = 0; round < 20; ++round) {
    double const radius = 0.3 + 3 * static_cast<double>(random()) / 4294967296.0;
    double const x = 4 * static_cast<double>(random()) / 4294967296.0 - 2,
                 y = 4 * static_cast<double>(random()) / 4294967296.0 - 2;
    int inside = 0;
    int const steps = 1000;
    for (int j = 0; j < steps; ++j)
      for (int i = 0; i < steps; ++i) {
        double const u = x - 0.5 + (i + 0.5) / steps, v = y - 0.5 + (j + 0.5) / steps;
        inside += u * u + v * v < radius * radius;
      }
    EXPECT_NEAR(disc_overlap(x, y, radius), inside / (1.0 * steps * steps), 2e-5) << x << " " << y << " " << radius;
  }
}

struct Flat {
  std::vector<float> data = std::vector<float>(30 * 20, 2.0f), errors = std::vector<float>(30 * 20, 0.5f);
  ImageWindow window() const { return {data.data(), nullptr, {0, 0, 30, 20}, 30, 20}; }
};

TEST(ApertureSum, LeavesOutWhatLiesOutsideTheImage) {
  Flat const flat;
  auto const inside = aperture_sum(flat.window(), flat.errors.data(), 14, 9, 4);
  EXPECT_NEAR(inside.sum, 2 * 3.14159265358979 * 16, 1e-9);
  EXPECT_NEAR(inside.error, 0.5 * std::sqrt(3.14159265358979 * 16), 1e-9);
  EXPECT_NEAR(aperture_sum(flat.window(), flat.errors.data(), -0.5, 9, 4).sum, inside.sum / 2, 1e-9);
  EXPECT_EQ(aperture_sum(flat.window(), flat.errors.data(), -50, 9, 4).sum, 0);
}

TEST(ApertureSum, IsNaNWithANaNInTheDisc) {
  Flat flat;
  flat.data[9 * 30 + 14] = NAN;
  EXPECT_TRUE(std::isnan(aperture_sum(flat.window(), flat.errors.data(), 14, 9, 4).sum));
  EXPECT_TRUE(std::isfinite(aperture_sum(flat.window(), flat.errors.data(), 24, 9, 4).sum));
  EXPECT_TRUE(std::isnan(aperture_sum(flat.window(), flat.errors.data(), NAN, 9, 4).sum));
}

TEST(AnnulusLevel, TakesNoNoticeOfAFewBrightPixels) {
  Flat flat;
  for (std::size_t k = 0; k < flat.data.size(); ++k) flat.data[k] += 0.01f * static_cast<float>(k % 5);
  auto const before = annulus_level(flat.window(), 14, 9, 5, 8);
  flat.data[9 * 30 + 20] = 1000;
  auto const after = annulus_level(flat.window(), 14, 9, 5, 8);
  EXPECT_EQ(after.pixels, before.pixels - 1);
  EXPECT_NEAR(after.median, before.median, 0.011);
}

TEST(AnnulusLevel, OfNothingIsNoNumber) {
  Flat flat;
  for (auto& value : flat.data) value = NAN;
  EXPECT_TRUE(std::isnan(annulus_level(flat.window(), 14, 9, 5, 8).median));
}

}  // namespace
}  // namespace tessera::kernels
