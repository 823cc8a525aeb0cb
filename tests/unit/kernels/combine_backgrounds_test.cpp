// Clipped combination of backgrounds: against the rules as the specification states them, and what must hold of any.
#include "tessera/kernels/combine_backgrounds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "support/vector_noise.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/dq.hpp"

namespace tessera::kernels {
namespace {

constexpr float NaN = std::numeric_limits<float>::quiet_NaN();
constexpr float Infinity = std::numeric_limits<float>::infinity();

struct Exposure {
  std::vector<float> sci, err;
  std::vector<std::uint32_t> dq;
  std::vector<std::uint8_t> masked{};
  double weight = 1;
};

std::vector<BackgroundPixels> view(std::vector<Exposure> const& exposures) {
  std::vector<BackgroundPixels> backgrounds;
  for (auto const& one : exposures) backgrounds.push_back({one.sci, one.err, one.dq, one.masked, one.weight});
  return backgrounds;
}

CombinedBackground combine(std::vector<Exposure> const& exposures, BackgroundClip const& clip) {
  return combine_backgrounds(view(exposures), clip);
}

/// Noise of 0.1 about 1, a tenth of the samples 5 higher or lower, some NaN or infinite; flags of one bit.
std::vector<Exposure> make_exposures(std::size_t count, std::size_t pixels, unsigned seed) {
  test::VectorNoise random(seed);
  std::vector<Exposure> exposures(count);
  for (auto& one : exposures)
    for (std::size_t k = 0; k < pixels; ++k) {
      double const kind = random.uniform();
      auto value = static_cast<float>(1 + 0.1 * random.deviate());
      if (kind < 0.1) value += kind < 0.05 ? 5.0f : -5.0f;
      if (kind > 0.95) value = kind > 0.97 ? NaN : Infinity;
      one.sci.push_back(value);
      one.err.push_back(static_cast<float>(0.1 + 0.05 * random.uniform()));
      one.dq.push_back(1u << static_cast<unsigned>(31 * random.uniform()));
    }
  return exposures;
}

/// The clip as spec 20, 2.4 states it, sample by sample.
std::vector<bool> plain_clip(std::vector<double> const& samples, BackgroundClip const& clip) {
  std::vector<double> kept;
  for (double const value : samples)
    if (std::isfinite(value)) kept.push_back(value);
  std::vector<bool> mask(samples.size(), true);
  if (kept.empty()) return mask;
  double low = 0, high = 0;
  for (int round = 1;; ++round) {
    auto sorted = kept;
    std::sort(sorted.begin(), sorted.end());
    auto const half = sorted.size() / 2;
    double const median = sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    auto const count = static_cast<double>(kept.size());
    double const mean = std::accumulate(kept.begin(), kept.end(), 0.0) / count;
    double squares = 0;
    for (double const value : kept) squares += (value - mean) * (value - mean);
    double const reach = clip.sigma * std::sqrt(squares / count);
    low = median - reach;
    high = median + reach;
    std::vector<double> next;
    for (double const value : kept)
      if (value >= low && value <= high) next.push_back(value);
    if (next.size() == kept.size() || next.empty()) break;
    kept = next;
    if (clip.maxiters && round >= *clip.maxiters) break;
  }
  for (std::size_t k = 0; k < samples.size(); ++k)
    mask[k] = !std::isfinite(samples[k]) || samples[k] < low || samples[k] > high;
  return mask;
}

TEST(CombineBackgrounds, FollowsTheRulesForAnyNumberOfBackgrounds) {
  constexpr std::size_t Pixels = 1500;  // more than a piece of work, and no whole number of lanes
  for (std::size_t const count : {1u, 2u, 3u, 5u, 8u, 13u, 16u, 17u, 40u})
    for (BackgroundClip const clip : {BackgroundClip{3, std::nullopt}, {1.5, std::nullopt}, {1.5, 1}, {2, 2}}) {
      auto const exposures = make_exposures(count, Pixels, static_cast<unsigned>(count));
      auto const found = combine(exposures, clip);
      for (std::size_t k = 0; k < Pixels; ++k) {
        std::vector<double> samples;
        std::uint32_t bits = 0;
        for (auto const& one : exposures) {
          samples.push_back(static_cast<double>(one.sci[k]));
          bits |= one.dq[k];
        }
        auto const mask = plain_clip(samples, clip);
        double sum = 0, squares = 0;
        int kept = 0;
        for (std::size_t i = 0; i < count; ++i)
          if (!mask[i]) {
            sum += samples[i];
            squares += static_cast<double>(exposures[i].err[k]) * static_cast<double>(exposures[i].err[k]);
            ++kept;
          }
        ASSERT_EQ(found.count[k], kept) << count << " backgrounds, pixel " << k;
        ASSERT_EQ(found.dq[k], bits);
        ASSERT_NEAR(found.sci[k], kept ? sum / kept : 0, 2e-7 * std::abs(kept ? sum / kept : 0));
        ASSERT_NEAR(found.err[k], kept ? std::sqrt(squares) / kept : 0, 2e-7);
        ASSERT_NEAR(found.variance[k], kept ? squares / kept / kept : 0, 1e-8);
      }
    }
}

TEST(CombineBackgrounds, RejectsTheOutlierOfTheHandCheckedExample) {
  std::vector<Exposure> exposures;
  for (float const value : {1.0f, 1.1f, 0.9f, 9.0f}) exposures.push_back({{value}, {0.02f}, {0}});
  auto const tight = combine(exposures, {1.5, std::nullopt});
  EXPECT_EQ(tight.count[0], 3);
  EXPECT_NEAR(tight.sci[0], 1.0, 2e-7);
  EXPECT_NEAR(tight.err[0], std::sqrt(3 * 0.0004) / 3, 1e-8);
  auto const wide = combine(exposures, {3, std::nullopt});
  EXPECT_EQ(wide.count[0], 4);
  EXPECT_NEAR(wide.sci[0], 3.0, 1e-6);
  EXPECT_NEAR(wide.err[0], 0.01, 1e-8);
}

TEST(CombineBackgrounds, OrderChangesNoDecisionAndNoMoreThanTheLastBit) {
  auto exposures = make_exposures(12, 500, 7);
  auto const first = combine(exposures, {1.5, std::nullopt});
  std::rotate(exposures.begin(), exposures.begin() + 5, exposures.end());
  std::swap(exposures[0], exposures[9]);
  auto const second = combine(exposures, {1.5, std::nullopt});
  EXPECT_EQ(first.count, second.count);
  EXPECT_EQ(first.dq, second.dq);
  for (std::size_t k = 0; k < first.sci.size(); ++k) {
    EXPECT_FLOAT_EQ(first.sci[k], second.sci[k]);
    EXPECT_FLOAT_EQ(first.err[k], second.err[k]);
  }
}

TEST(CombineBackgrounds, APieceOfTheRowsHasTheBitsOfTheWhole) {
  auto const exposures = make_exposures(9, 3001, 3);
  auto const whole = combine(exposures, {1.5, std::nullopt});
  auto backgrounds = view(exposures);
  for (auto& one : backgrounds) {
    one.sci = one.sci.subspan(1023, 700);
    one.err = one.err.subspan(1023, 700);
    one.dq = one.dq.subspan(1023, 700);
  }
  auto const piece = combine_backgrounds(backgrounds, {1.5, std::nullopt});
  EXPECT_TRUE(std::equal(piece.sci.begin(), piece.sci.end(), whole.sci.begin() + 1023));
  EXPECT_TRUE(std::equal(piece.err.begin(), piece.err.end(), whole.err.begin() + 1023));
  EXPECT_TRUE(std::equal(piece.count.begin(), piece.count.end(), whole.count.begin() + 1023));
}

TEST(CombineBackgrounds, LevelAndScaleOfAllGoThroughToTheResult) {
  auto exposures = make_exposures(8, 200, 11);
  auto const before = combine(exposures, {1.5, std::nullopt});
  for (auto& one : exposures) {
    for (auto& value : one.sci) value *= 4;  // exact
    for (auto& value : one.err) value *= 4;
  }
  auto const after = combine(exposures, {1.5, std::nullopt});
  EXPECT_EQ(before.count, after.count);
  for (std::size_t k = 0; k < before.sci.size(); ++k) {
    EXPECT_EQ(after.sci[k], 4 * before.sci[k]);
    EXPECT_EQ(after.err[k], 4 * before.err[k]);
  }
}

TEST(CombineBackgrounds, NothingAnywhereIsZeroWithTheFlags) {
  std::vector<Exposure> const exposures(3, {{NaN, -Infinity, 1}, {NaN, 1, 1}, {dq::DoNotUse, dq::JumpDet, 0}});
  auto const found = combine(exposures, {3, std::nullopt});
  EXPECT_EQ(found.sci, (std::vector<float>{0, 0, 1}));
  EXPECT_EQ(found.err[0], 0);
  EXPECT_EQ(found.variance[1], 0);
  EXPECT_EQ(found.count, (std::vector<std::uint16_t>{0, 0, 3}));
  EXPECT_EQ(found.dq, (std::vector<std::uint32_t>{dq::DoNotUse, dq::JumpDet, 0}));
}

TEST(CombineBackgrounds, AnUnknownErrorOfASampleThatIsKeptMakesTheErrorUnknown) {
  std::vector<Exposure> exposures{{{1, 1}, {0.1f, 0.1f}, {0, 0}},
                                  {{1, 1}, {0.1f, NaN}, {0, 0}},
                                  {{1, 1}, {0.1f, 0.1f}, {0, 0}},
                                  {{9, 1}, {NaN, 0.1f}, {0, 0}}};
  auto const found = combine(exposures, {1.5, std::nullopt});
  EXPECT_NEAR(found.err[0], 0.1 / std::sqrt(3.0), 1e-7);  // the unknown one was clipped
  EXPECT_TRUE(std::isnan(found.err[1]));
  EXPECT_EQ(found.sci[1], 1);
}

TEST(CombineBackgrounds, MaskedSamplesAreLeftOutOfTheClipToo) {
  auto exposures = make_exposures(6, 100, 5);
  auto without = exposures;
  without.erase(without.begin() + 2);
  auto const expected = combine(without, {1.5, std::nullopt});
  exposures[2].masked.assign(100, 1);
  auto const found = combine(exposures, {1.5, std::nullopt});
  EXPECT_EQ(found.sci, expected.sci);
  EXPECT_EQ(found.err, expected.err);
  EXPECT_EQ(found.count, expected.count);
  for (std::size_t k = 0; k < 100; ++k) EXPECT_EQ(found.dq[k], expected.dq[k] | exposures[2].dq[k]);

  for (auto& one : exposures) one.masked.assign(100, 1);
  auto const nothing = combine(exposures, {1.5, std::nullopt});
  EXPECT_EQ(nothing.sci, std::vector<float>(100, 0));
  EXPECT_EQ(nothing.count, std::vector<std::uint16_t>(100, 0));
}

TEST(CombineBackgrounds, WeightsAreThoseOfTheMeanAndOfItsVariance) {
  std::vector<Exposure> const exposures{{{1}, {0.2f}, {0}, {}, 3}, {{2}, {0.4f}, {0}, {}, 1}};
  auto const found = combine(exposures, {3, std::nullopt});
  EXPECT_NEAR(found.sci[0], 1.25, 1e-7);
  EXPECT_NEAR(found.variance[0], (9 * 0.04 + 0.16) / 16, 1e-8);
  EXPECT_NEAR(found.err[0], std::sqrt((9 * 0.04 + 0.16) / 16), 1e-7);
  EXPECT_EQ(found.count[0], 2);
}

TEST(CombineBackgrounds, EqualWeightsChangeNothing) {
  auto exposures = make_exposures(7, 100, 13);
  auto const plain = combine(exposures, {1.5, std::nullopt});
  for (auto& one : exposures) one.weight = 0.25;
  auto const weighted = combine(exposures, {1.5, std::nullopt});
  EXPECT_EQ(plain.sci, weighted.sci);
  EXPECT_EQ(plain.err, weighted.err);
  EXPECT_EQ(plain.count, weighted.count);
}

TEST(CombineBackgrounds, PlanesOfDifferentLengthsAreAContractViolation) {
  std::vector<Exposure> exposures{{{1, 2}, {1, 1}, {0, 0}}, {{1}, {1}, {0}}};
  EXPECT_THROW(combine(exposures, {}), ContractViolation);
  EXPECT_THROW(combine({}, {}), ContractViolation);
  exposures = {{{1}, {1}, {0}, {}, 0}};
  EXPECT_THROW(combine(exposures, {}), ContractViolation);
}

TEST(CollapseIntegrations, ClipsValuesAndSquaredErrorsEachByThemselves) {
  std::vector<float> const sci{1, 1, 1, 9, NaN, NaN, NaN, NaN}, err{2, 2, 2, 2, 3, 3, 3, 30};
  std::vector<float> planes_sci, planes_err, mean, mean_err;
  std::vector<std::uint32_t> dq, flags;
  for (std::size_t plane = 0; plane < 4; ++plane)
    for (std::size_t pixel = 0; pixel < 2; ++pixel) {
      planes_sci.push_back(sci[pixel * 4 + plane]);
      planes_err.push_back(err[pixel * 4 + plane]);
      dq.push_back(pixel == 0 ? 1u << plane : 0u);
    }
  collapse_integrations(planes_sci, planes_err, dq, 4, {1.5, std::nullopt}, mean, mean_err, flags);
  EXPECT_EQ(mean, (std::vector<float>{1, 0}));
  EXPECT_EQ(mean_err, (std::vector<float>{2, 3}));
  EXPECT_EQ(flags, (std::vector<std::uint32_t>{15, 0}));
}

TEST(SubtractBackground, LeavesErrorsAndVariancesAsTheyAre) {
  model::RowBand image;
  image.nx = 3;
  image.y1 = 1;
  image.sci = {5, NaN, 7};
  image.err = {1, 2, 3};
  image.var_rnoise = {4, 5, 6};
  image.dq = {2, 0, 0};
  subtract_background(std::vector<float>{1, 1, 0}, std::vector<std::uint32_t>{4, 0, 1}, image);
  EXPECT_EQ(image.sci[0], 4);
  EXPECT_TRUE(std::isnan(image.sci[1]));
  EXPECT_EQ(image.sci[2], 7);
  EXPECT_EQ(image.dq, (std::vector<std::uint32_t>{6, 0, 1}));
  EXPECT_EQ(image.err, (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(image.var_rnoise, (std::vector<float>{4, 5, 6}));
}

}  // namespace
}  // namespace tessera::kernels
