// Clipped statistics (spec 40, P2): the vector, and properties against the plain definition.
#include "tessera/kernels/sigma_clip.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "source_mask_vector.hpp"
#include "support/test_files.hpp"
#include "support/vector_noise.hpp"

namespace tessera {
namespace {

using test::VectorNoise;

/// The definition, step by step on a list.
kernels::ClippedStatistics clip_plainly(std::vector<double> values, double sigma, std::optional<int> maxiters) {
  std::erase_if(values, [](double v) { return !std::isfinite(v); });
  kernels::ClippedStatistics s;
  for (int round = 0;; ++round) {
    std::sort(values.begin(), values.end());
    auto const n = values.size();
    s.count = static_cast<std::int64_t>(n);
    if (n == 0) return {};
    s.median = (values[(n - 1) / 2] + values[n / 2]) / 2;
    long double sum = 0, squares = 0;
    for (double const v : values) sum += v;
    for (double const v : values) squares += (v - sum / n) * (v - sum / n);
    s.mean = static_cast<double>(sum / n);
    s.std = static_cast<double>(std::sqrt(squares / n));
    if (maxiters && round == *maxiters) return s;
    if (std::erase_if(values, [&](double v) { return std::abs(v - s.median) > sigma * s.std; }) == 0) return s;
  }
}

void expect_same(kernels::ClippedStatistics const& a, kernels::ClippedStatistics const& b, double tolerance) {
  EXPECT_NEAR(a.mean, b.mean, tolerance);
  EXPECT_NEAR(a.median, b.median, tolerance);
  EXPECT_NEAR(a.std, b.std, tolerance);
  EXPECT_EQ(a.count, b.count);
}

TEST(SigmaClip, GivesTheStatisticsOfTheVector) {
  auto const image = test::make_source_mask_input();
  auto const vector = test::read_vector("pj_source_mask.json");
  auto const check = [](std::vector<double> values, double sigma, std::optional<int> maxiters, double mean,
                        double median, double std) {
    auto const found = kernels::sigma_clip(values, sigma, maxiters);
    EXPECT_NEAR(found.mean, mean, 1e-9);
    EXPECT_NEAR(found.median, median, 1e-9);
    EXPECT_NEAR(found.std, std, 1e-9);
  };
  auto const& stats = vector["sigma_clipped_stats"];
  check(image, 3, 5, stats["maxiters5"][0], stats["maxiters5"][1], stats["maxiters5"][2]);
  check(image, 3, {}, stats["maxiters_none"][0], stats["maxiters_none"][1], stats["maxiters_none"][2]);
  int const rows[] = {0, 15, 31};
  for (std::size_t k = 0; k < 3; ++k) {
    auto const row = image.begin() + rows[k] * test::SourceMaskSide;
    auto const& found = stats["axis1_rows_0_15_31"];
    check({row, row + test::SourceMaskSide}, 3, 5, found[k][0], found[k][1], found[k][2]);
  }
  std::vector<double> unmasked;
  auto const mask = test::make_source_mask_flags();
  for (std::size_t k = 0; k < image.size(); ++k)
    if (mask[k] == 0) unmasked.push_back(image[k]);
  auto const& hard = vector["clip_1p5_20iters"];
  check(unmasked, 1.5, 20, hard["mean"], hard["median"], hard["std"]);
}

TEST(SigmaClip, FollowsTheDefinitionForAnyLength) {
  VectorNoise random(4);
  for (int const length : {1, 2, 3, 7, 8, 9, 100, 2047, 2048, 5000}) {
    std::vector<double> values;
    for (int k = 0; k < length; ++k) {
      double const g = random.deviate();
      values.push_back(static_cast<float>(k % 17 == 3 ? g * 40 : g - 0.3));
    }
    std::vector<float> single(values.begin(), values.end());
    for (std::optional<int> const maxiters : {std::optional<int>{}, std::optional<int>{0}, std::optional<int>{2}}) {
      auto const expected = clip_plainly(values, 2.5, maxiters);
      auto doubles = values;
      auto floats = single;
      expect_same(kernels::sigma_clip(doubles, 2.5, maxiters), expected, 1e-12);
      expect_same(kernels::sigma_clip(floats, 2.5, maxiters), expected, 1e-12);
    }
  }
}

TEST(SigmaClip, DoesNotMindTheOrderNorNonFiniteValues) {
  VectorNoise random(9);
  std::vector<float> values{NAN, INFINITY, -INFINITY, 0.0f, -0.0f};
  for (int k = 0; k < 4000; ++k) values.push_back(static_cast<float>(random.deviate()));
  auto turned = values;
  std::reverse(turned.begin(), turned.end());
  auto const a = kernels::sigma_clip(values, 3, {}), b = kernels::sigma_clip(turned, 3, {});
  EXPECT_EQ(a.mean, b.mean);
  EXPECT_EQ(a.median, b.median);
  EXPECT_EQ(a.std, b.std);
  EXPECT_EQ(a.count, b.count);
  EXPECT_LE(a.count, 4002);
}

TEST(SigmaClip, IsNanOfNothing) {
  std::vector<double> values{NAN, NAN};
  auto const found = kernels::sigma_clip(values, 3, {});
  EXPECT_TRUE(std::isnan(found.mean) && std::isnan(found.median) && std::isnan(found.std));
  EXPECT_EQ(found.count, 0);
}

TEST(SigmaClip, KeepsValuesThatAreAllAlike) {
  std::vector<float> values(10, 7.5f);
  auto const found = kernels::sigma_clip(values, 3, {});
  EXPECT_EQ(found.median, 7.5);
  EXPECT_EQ(found.std, 0);
  EXPECT_EQ(found.count, 10);
}

TEST(SigmaClip, TakesTheSkyOfAFullFrameInAThirdOfASecond) {
  VectorNoise random(1);
  std::vector<float> frame(2048 * 2048);
  for (auto& v : frame)
    v = static_cast<float>(random.uniform() + random.uniform() + 5 * std::pow(random.uniform(), 40));
  auto const start = std::chrono::steady_clock::now();
  auto const found = kernels::sigma_clip(frame, 3, {});
  double const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  RecordProperty("milliseconds", static_cast<int>(1000 * seconds));
  EXPECT_GT(found.count, 3000000);
  EXPECT_LT(seconds, 3.0) << "a tenth of this is usual; the machine may be busy";
}

TEST(MedianInPlace, IsTheMeanOfTheMiddleTwo) {
  std::vector<float> odd{3, 1, 2}, even{4, 1, 3, 2}, none;
  EXPECT_EQ(kernels::median_in_place(odd), 2);
  EXPECT_EQ(kernels::median_in_place(even), 2.5);
  EXPECT_TRUE(std::isnan(kernels::median_in_place(none)));
  std::vector<double> doubles{1e300, -1e300, 0.25, 0.75};
  EXPECT_EQ(kernels::median_in_place(doubles), 0.5);
}

}  // namespace
}  // namespace tessera
