// Constrained diffusion (spec 40, 1.13): the vector to 1e-9, and properties.
#include "tessera/kernels/constrained_diffusion.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "support/test_files.hpp"
#include "support/vector_noise.hpp"

namespace tessera {
namespace {

constexpr std::int64_t Side = 32;

std::vector<double> make_vector_image() {
  test::VectorNoise random(8);
  std::vector<double> image;
  for (std::int64_t y = 0; y < Side; ++y)
    for (std::int64_t x = 0; x < Side; ++x) {
      auto const gaussian = [&](double x0, double y0, double width) {
        auto const dx = static_cast<double>(x) - x0, dy = static_cast<double>(y) - y0;
        return std::exp(-(dx * dx + dy * dy) / width);
      };
      image.push_back(1 + 2 * gaussian(16, 16, 128) + 5 * gaussian(10, 20, 1.28) + 0.05 * random.deviate());
    }
  return image;
}

/// 1200 rows of 80 columns: a slope, two stars, NaN and masked pixels.
struct Rows {
  static constexpr std::int64_t Nx = 80, Ny = 1200;
  Rows() : image(Nx * Ny), mask(Nx * Ny, 0) {
    test::VectorNoise random(2);
    for (std::size_t k = 0; k < image.size(); ++k)
      image[k] = static_cast<float>(5 + 0.001 * static_cast<double>(k / Nx) + random.deviate());
    image[600 * Nx + 20] += 100;
    image[300 * Nx + 7] = NAN;
    mask[601 * Nx + 5] = 1;
  }
  kernels::ImageRows view(std::int64_t y0, std::int64_t y1) const {
    return {image.data() + y0 * Nx, mask.data() + y0 * Nx, Nx, Ny, y0, y1};
  }
  std::vector<float> image;
  std::vector<std::uint8_t> mask;
};

TEST(PlanDiffusion, HasTheStepsOfTheVector) {
  auto const expected = test::read_vector("pj_constrained_diffusion.json")["iterations_dt_sigma"];
  auto const plan = kernels::plan_diffusion(Side, Side, 3);
  ASSERT_EQ(plan.size(), expected.size());
  for (std::size_t k = 0; k < plan.size(); ++k) {
    EXPECT_EQ(plan[k].iterations, expected[k][0].get<int>());
    EXPECT_NEAR(plan[k].time_step, expected[k][1].get<double>(), 1e-9);
    EXPECT_NEAR(plan[k].sigma, expected[k][2].get<double>(), 1e-9);
  }
}

TEST(PlanDiffusion, HasNoMoreScalesThanTheImage) {
  EXPECT_EQ(kernels::plan_diffusion(64, 64, 9).size(), 5u);
  EXPECT_EQ(kernels::plan_diffusion(63, 4000, 9).size(), 4u);
  EXPECT_EQ(kernels::plan_diffusion(4000, 4, 9).size(), 1u);
  EXPECT_TRUE(kernels::plan_diffusion(3, 3, 9).empty());
  EXPECT_TRUE(kernels::plan_diffusion(300, 300, 0).empty());
}

TEST(ConstrainedDiffusion, HasTheScalesOfTheVector) {
  auto const expected = test::read_vector("pj_constrained_diffusion.json");
  auto const image = make_vector_image();
  auto const result = kernels::constrained_diffusion(image, Side, Side, kernels::plan_diffusion(Side, Side, 3));
  ASSERT_EQ(result.scales.size(), 3u);
  for (std::size_t k = 0; k < 3; ++k) {
    auto const& scale = result.scales[k];
    EXPECT_NEAR(std::accumulate(scale.begin(), scale.end(), 0.0), expected["scale_stats"][k][0].get<double>(), 1e-9);
    EXPECT_NEAR(*std::min_element(scale.begin(), scale.end()), expected["scale_stats"][k][1].get<double>(), 1e-9);
    EXPECT_NEAR(*std::max_element(scale.begin(), scale.end()), expected["scale_stats"][k][2].get<double>(), 1e-9);
    EXPECT_NEAR(scale[20 * Side + 10], expected["peak_y20_x10"][k].get<double>(), 1e-9);
    EXPECT_NEAR(scale[4 * Side + 28], expected["bg_y4_x28"][k].get<double>(), 1e-9);
  }
  auto const& residual = result.residual;
  EXPECT_NEAR(residual[20 * Side + 10], expected["residual"][0].get<double>(), 1e-9);
  EXPECT_NEAR(residual[4 * Side + 28], expected["residual"][1].get<double>(), 1e-9);
  EXPECT_NEAR(std::accumulate(residual.begin(), residual.end(), 0.0), expected["residual"][2].get<double>(), 1e-9);
}

TEST(ConstrainedDiffusion, AddsUpToTheImage) {
  auto image = make_vector_image();
  for (std::size_t k = 0; k < image.size(); ++k) image[k] -= 1.5;  // values of both signs
  auto const result = kernels::constrained_diffusion(image, Side, Side, kernels::plan_diffusion(Side, Side, 4));
  for (std::size_t k = 0; k < image.size(); ++k) {
    double sum = result.residual[k];
    for (auto const& scale : result.scales) sum += scale[k];
    EXPECT_NEAR(sum, image[k], 1e-13);
  }
}

TEST(ConstrainedDiffusion, IsOddAndScalesWithTheImage) {
  auto const image = make_vector_image();
  auto turned = image;
  for (auto& value : turned) value *= -8;
  auto const plan = kernels::plan_diffusion(Side, Side, 3);
  auto const one = kernels::constrained_diffusion(image, Side, Side, plan),
             other = kernels::constrained_diffusion(turned, Side, Side, plan);
  for (std::size_t k = 0; k < image.size(); ++k) {
    EXPECT_EQ(other.residual[k], -8 * one.residual[k]);
    EXPECT_EQ(other.scales[2][k], -8 * one.scales[2][k]);
  }
}

TEST(CompactPart, IsTheSumOfTheScales) {
  Rows const rows;
  auto const plan = kernels::plan_diffusion(Rows::Nx, Rows::Ny, 3);
  std::vector<double> image;
  for (std::size_t k = 0; k < rows.image.size(); ++k)
    image.push_back(std::isfinite(rows.image[k]) && !rows.mask[k] ? static_cast<double>(rows.image[k]) : 0.0);
  auto const whole = kernels::constrained_diffusion(image, Rows::Nx, Rows::Ny, plan);
  auto const compact = kernels::compact_part(rows.view(0, Rows::Ny), 0, Rows::Ny, plan);
  for (std::size_t k = 0; k < compact.size(); ++k) {
    double const sum = whole.scales[0][k] + whole.scales[1][k] + whole.scales[2][k];
    EXPECT_NEAR(compact[k], rows.mask[k] || std::isnan(rows.image[k]) ? 0.0 : sum, 1e-5);
  }
  // the star stands out, the slope is gone
  EXPECT_GT(compact[600 * Rows::Nx + 20], 95);
}

TEST(CompactPart, GivesTheSameBitsForAnyCutIntoRows) {
  Rows const rows;
  auto const plan = kernels::plan_diffusion(Rows::Nx, Rows::Ny, 3);
  std::int64_t const reach = kernels::diffusion_reach(plan);
  EXPECT_EQ(reach, 30 + 100 + 300);
  auto const whole = kernels::compact_part(rows.view(0, Rows::Ny), 0, Rows::Ny, plan);
  for (std::int64_t const height : {149, 500}) {
    std::vector<float> joined;
    for (std::int64_t y0 = 0; y0 < Rows::Ny; y0 += height) {
      std::int64_t const y1 = std::min(Rows::Ny, y0 + height), first = std::max<std::int64_t>(0, y0 - reach),
                         last = std::min(Rows::Ny, y1 + reach);
      auto const part = kernels::compact_part(rows.view(first, last), y0, y1, plan);
      joined.insert(joined.end(), part.begin(), part.end());
    }
    EXPECT_EQ(joined, whole) << height;
  }
}

TEST(CompactPart, OfNothingIsNothing) {
  Rows const rows;
  auto const plan = kernels::plan_diffusion(Rows::Nx, Rows::Ny, 2);
  EXPECT_TRUE(kernels::compact_part(rows.view(0, Rows::Ny), 5, 5, plan).empty());
  std::vector<float> const nothing(16, NAN);
  EXPECT_EQ(kernels::compact_part({nothing.data(), nullptr, 4, 4, 0, 4}, 0, 4, kernels::plan_diffusion(4, 4, 3)),
            std::vector<float>(16, 0.0f));
  // without a scale there is no compact part
  std::vector<float> const tiny(9, 2);
  EXPECT_EQ(kernels::compact_part({tiny.data(), nullptr, 3, 3, 0, 3}, 0, 3, kernels::plan_diffusion(3, 3, 3)),
            std::vector<float>(9, 0.0f));
}

}  // namespace
}  // namespace tessera
