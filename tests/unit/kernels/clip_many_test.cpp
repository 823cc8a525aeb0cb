// Clipped statistics, masks and medians of many values: the same bits as the definition on sorted values gives.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "support/vector_noise.hpp"
#include "tessera/kernels/sigma_clip.hpp"
#include "tessera/kernels/source_mask.hpp"

namespace tessera {
namespace {

using test::VectorNoise;

/// Sums over sorted values in eight lanes, added in pairs.
template <class T, class Function>
double sum(std::vector<T> const& values, Function f) {
  double lane[8] = {};
  for (std::size_t k = 0; k < values.size(); ++k) lane[k % 8] += f(static_cast<double>(values[k]));
  return ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

template <class T>
kernels::ClippedStatistics clip_sorted(std::vector<T> values, double sigma, std::optional<int> maxiters) {
  std::erase_if(values, [](T value) { return !std::isfinite(value); });
  for (T& value : values) value += T(0);
  std::sort(values.begin(), values.end());
  kernels::ClippedStatistics found;
  for (int round = 0;; ++round) {
    auto const n = values.size();
    if (n == 0) return {};
    auto const count = static_cast<double>(n);
    double const mean = sum(values, [](double value) { return value; }) / count;
    double const squares = sum(values, [mean](double value) { return (value - mean) * (value - mean); });
    double const upper = static_cast<double>(values[n / 2]);
    found = {.mean = mean,
             .median = n % 2 == 1 ? upper : (static_cast<double>(values[n / 2 - 1]) + upper) / 2,
             .std = std::sqrt(squares / count),
             .count = static_cast<std::int64_t>(n)};
    if (maxiters && round == *maxiters) return found;
    auto const is_far = [&](T value) {
      return std::abs(static_cast<double>(value) - found.median) > sigma * found.std;
    };
    if (std::erase_if(values, is_far) == 0) return found;
  }
}

/// Skies of 300 x 300 pixels with sources and holes: smooth, in steps, on a high level, about 0, with infinite ones.
template <class T>
std::vector<std::vector<T>> make_skies() {
  std::vector<std::vector<T>> skies;
  VectorNoise random(7);
  for (int kind = 0; kind < 5; ++kind) {
    auto& sky = skies.emplace_back();
    for (int k = 0; k < 90000; ++k) {
      double value = random.deviate();
      if (k % 19 == 5) value += std::exp(12 * random.uniform());
      if (k % 101 == 7) value -= 30;
      if (kind == 1) value = std::round(2 * value) / 2;
      if (kind == 2) value = 5000 + value / 8;
      if (kind == 3) value *= 1e-6;
      if (kind == 4 && k % 50 == 0) value = k % 100 == 0 ? NAN : -INFINITY;
      sky.push_back(static_cast<T>(value));
    }
  }
  skies.emplace_back(90000, static_cast<T>(3.25));
  return skies;
}

template <class T>
void expect_statistics_of_the_definition() {
  for (auto const& sky : make_skies<T>())
    for (std::optional<int> const maxiters :
         {std::optional<int>{}, std::optional<int>{0}, std::optional<int>{1}, std::optional<int>{20}})
      for (double const sigma : {0.0, 1.5, 3.0}) {
        auto values = sky;
        auto const found = kernels::sigma_clip(values, sigma, maxiters);
        auto const expected = clip_sorted(sky, sigma, maxiters);
        EXPECT_EQ(found.count, expected.count);
        if (expected.count == 0) {
          EXPECT_TRUE(std::isnan(found.mean) && std::isnan(found.median) && std::isnan(found.std));
          continue;
        }
        EXPECT_EQ(found.mean, expected.mean);
        EXPECT_EQ(found.median, expected.median);
        EXPECT_EQ(found.std, expected.std);
      }
}

TEST(ClipMany, GivesTheBitsOfTheDefinition) { expect_statistics_of_the_definition<float>(); }
TEST(ClipMany, GivesTheBitsOfTheDefinitionInDoublePrecision) { expect_statistics_of_the_definition<double>(); }

template <class T>
void expect_masks_of_the_threshold() {
  std::vector<std::uint8_t> left_out(90000);
  for (std::size_t k = 0; k < left_out.size(); ++k) left_out[k] = k % 7 == 0;
  for (auto const& sky : make_skies<T>()) {
    std::vector<T> used;
    for (std::size_t k = 0; k < sky.size(); ++k)
      if (left_out[k] == 0) used.push_back(sky[k]);
    auto const found = clip_sorted(used, 2, 5);
    auto const mask = kernels::make_source_mask(sky.data(), left_out.data(), 300, 300,
                                                {.nsigma = 2, .npixels = 1, .dilate = 1, .maxiters = 5});
    std::vector<std::uint8_t> expected;
    for (T const value : sky) expected.push_back(static_cast<double>(value) > found.mean + 2 * found.std);
    EXPECT_EQ(mask, expected);
  }
}

TEST(MaskMany, MarksWhatIsAboveTheThreshold) { expect_masks_of_the_threshold<float>(); }
TEST(MaskMany, MarksWhatIsAboveTheThresholdInDoublePrecision) { expect_masks_of_the_threshold<double>(); }

TEST(MaskMany, LeavesValuesThatAreTheThreshold) {
  std::vector<float> sky(90000);
  for (std::size_t k = 0; k < sky.size(); ++k) sky[k] = static_cast<float>(k % 3) - 1;
  auto const mask =
      kernels::make_source_mask(sky.data(), nullptr, 300, 300, {.nsigma = 0, .npixels = 1, .dilate = 1, .maxiters = 0});
  for (std::size_t k = 0; k < sky.size(); ++k) ASSERT_EQ(mask[k], sky[k] > 0) << k;
}

TEST(MedianInPlace, IsThatOfSortedValuesOfAnyLengthAndKeepsThemAll) {
  VectorNoise random(5);
  for (std::size_t const length : {1u, 2u, 63u, 64u, 65u, 100u, 511u, 2040u, 2041u, 30000u})
    for (int kind = 0; kind < 3; ++kind) {
      std::vector<float> values;
      for (std::size_t k = 0; k < length; ++k) {
        double const value = random.deviate();
        values.push_back(static_cast<float>(kind == 0 ? value : kind == 1 ? std::round(value) : std::exp(9 * value)));
      }
      auto sorted = values;
      std::sort(sorted.begin(), sorted.end());
      auto const upper = static_cast<double>(sorted[length / 2]);
      double const expected = length % 2 == 1 ? upper : (static_cast<double>(sorted[length / 2 - 1]) + upper) / 2;
      EXPECT_EQ(kernels::median_in_place(values), expected);
      std::sort(values.begin(), values.end());
      EXPECT_EQ(values, sorted);
    }
}

}  // namespace
}  // namespace tessera
