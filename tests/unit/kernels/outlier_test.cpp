// What must hold of the parts of outlier rejection whatever the data.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "support/quadratic_map.hpp"
#include "tessera/kernels/blot.hpp"
#include "tessera/kernels/clip_pieces.hpp"
#include "tessera/kernels/nan_median.hpp"
#include "tessera/kernels/outlier_flags.hpp"
#include "tessera/kernels/weight_threshold.hpp"

namespace tessera::kernels {
namespace {

constexpr float NaN = std::numeric_limits<float>::quiet_NaN();
constexpr float Infinity = std::numeric_limits<float>::infinity();

/// Numbers of many sizes and both signs, with repeats, holes and infinities.
std::vector<float> mixed_values(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> values;
  for (std::size_t k = 0; k < count; ++k) {
    auto const u = static_cast<float>(static_cast<double>(random()) / 4294967296.0 - 0.5);
    float value = u * 4;
    if (random() % 7 == 0) value = std::round(value);  // ties
    if (random() % 50 == 0) value = std::ldexp(u, static_cast<int>(random() % 80) - 40);
    if (random() % 60 == 0) value = random() % 2 ? NaN : (random() % 2 ? Infinity : -Infinity);
    values.push_back(value);
  }
  return values;
}

EachPiece in_pieces_of(std::vector<float> const& values, std::size_t piece) {
  return [&values, piece](std::function<void(std::span<float const>)> const& take) {
    for (std::size_t at = 0; at < values.size(); at += piece)
      take(std::span(values).subspan(at, std::min(piece, values.size() - at)));
  };
}

/// Sorting and plain loops in long double.
ClippedStatistics clip_plainly(std::vector<float> values, double sigma, int rounds) {
  std::erase_if(values, [](float value) { return !std::isfinite(value); });
  std::sort(values.begin(), values.end());
  ClippedStatistics found;
  for (int round = 0; !values.empty(); ++round) {
    long double sum = 0, squares = 0;
    for (float const value : values) sum += static_cast<long double>(value);
    auto const mean = sum / static_cast<long double>(values.size());
    for (float const value : values) squares += (value - mean) * (value - mean);
    found.mean = static_cast<double>(mean);
    found.std = static_cast<double>(std::sqrt(squares / static_cast<long double>(values.size())));
    found.median =
        (static_cast<double>(values[(values.size() - 1) / 2]) + static_cast<double>(values[values.size() / 2])) / 2;
    found.count = static_cast<std::int64_t>(values.size());
    auto const dropped = std::erase_if(
        values, [&](float value) { return std::abs(static_cast<double>(value) - found.median) > sigma * found.std; });
    if (round == rounds || dropped == 0) break;
  }
  return found;
}

TEST(ClipPieces, AgreesWithSortingAndDoesNotSeeWhereThePiecesAreCut) {
  for (unsigned const seed : {1u, 2u, 3u}) {
    auto const values = mixed_values(10007 + seed, seed);
    auto const expected = clip_plainly(values, 3, 5);
    auto const whole = clip_pieces(in_pieces_of(values, values.size()), 3, 5);
    EXPECT_EQ(whole.count, expected.count);
    EXPECT_EQ(whole.median, expected.median);
    EXPECT_NEAR(whole.mean, expected.mean, 1e-12);
    EXPECT_NEAR(whole.std, expected.std, 1e-12);
    for (std::size_t const piece : {1ul, 7ul, 256ul, 9999ul}) {
      auto const cut = clip_pieces(in_pieces_of(values, piece), 3, 5);
      EXPECT_EQ(cut.count, whole.count);
      EXPECT_EQ(cut.mean, whole.mean) << "bit for bit";
      EXPECT_EQ(cut.median, whole.median);
      EXPECT_EQ(cut.std, whole.std);
    }
  }
}

TEST(ClipPieces, OfNothingIsNotANumber) {
  for (auto const& values : {std::vector<float>{}, std::vector<float>{NaN, Infinity}}) {
    auto const found = clip_pieces(in_pieces_of(values, 1), 3, 5);
    EXPECT_EQ(found.count, 0);
    EXPECT_TRUE(std::isnan(found.mean) && std::isnan(found.median) && std::isnan(found.std));
  }
}

TEST(WeightThreshold, IgnoresZerosAndWhatIsNotFinite) {
  std::vector<float> weights(1000, 2.0f);
  for (std::size_t k = 0; k < weights.size(); k += 3) weights[k] = 0;
  weights[1] = NaN;
  weights[2] = Infinity;
  weights[4] = 2e6f;  // clipped
  EXPECT_DOUBLE_EQ(weight_threshold(weights, 0.7), 1.4);
  EXPECT_TRUE(std::isnan(weight_threshold(std::vector<float>(9, 0.0f), 0.7)));
  EXPECT_DOUBLE_EQ(weight_threshold(std::vector<float>(9, -3.0f), 0.5), -1.5);
}

TEST(NanMedian, AgreesWithSortingForAnyDepth) {
  constexpr std::int64_t Count = 1003;
  for (std::int64_t const depth : {1, 2, 3, 4, 7, 16, 24, 25, 64, 301}) {
    std::vector<std::vector<float>> stack;
    std::vector<float const*> planes;
    for (std::int64_t d = 0; d < depth; ++d) {
      stack.push_back(mixed_values(Count, static_cast<unsigned>(100 * depth + d)));
      for (auto& value : stack.back()) value = std::isfinite(value) ? value : NaN;
      stack.back()[5] = NaN;  // nothing at all here
    }
    for (auto const& plane : stack) planes.push_back(plane.data());
    std::vector<float> found(Count, 0.0f);
    nan_median(planes.data(), depth, Count, found.data());
    EXPECT_TRUE(std::isnan(found[5]));
    for (std::size_t k = 0; k < Count; ++k) {
      std::vector<float> values;
      for (auto const& plane : stack)
        if (!std::isnan(plane[k])) values.push_back(plane[k]);
      if (values.empty()) {
        EXPECT_TRUE(std::isnan(found[k]));
        continue;
      }
      std::sort(values.begin(), values.end());
      float const low = values[(values.size() - 1) / 2], high = values[values.size() / 2];
      ASSERT_EQ(found[k], low == high ? low : (low + high) / 2) << "depth " << depth << ", pixel " << k;
    }
  }
}

TEST(NanMedian, OfNoPlanesIsNotANumber) {
  float found[3] = {1, 2, 3};
  nan_median(nullptr, 0, 3, found);
  for (float const value : found) EXPECT_TRUE(std::isnan(value));
}

/// A mosaic of values that are linear in x and y: what bilinear interpolation gives back exactly, but for rounding.
struct Ramp {
  std::int64_t nx = 300, ny = 200;
  std::vector<float> values = [this] {
    std::vector<float> all;
    for (std::int64_t y = 0; y < ny; ++y)
      for (std::int64_t x = 0; x < nx; ++x) all.push_back(static_cast<float>(2 * x + 3 * y));
    return all;
  }();
  ImagePart whole() const { return {values.data(), {0, 0, nx, ny}, nx, ny}; }
};

TEST(Blot, GivesBackALinearMosaic) {
  Ramp const ramp;
  test::Quadratic X, Y;
  X.c = 20.25;
  X.x = 0.9;
  X.y = -0.4;
  Y.c = 10.5;
  Y.x = 0.4;
  Y.y = 0.9;
  auto const map = test::make_quadratic_map(150, 140, X, Y);
  std::vector<float> found(150 * 140);
  blot(ramp.whole(), map, {0, 0, 150, 140}, found.data(), 150);
  int inside = 0;
  for (std::int64_t y = 0; y < 140; ++y)
    for (std::int64_t x = 0; x < 150; ++x) {
      double const at_x = X(static_cast<double>(x), static_cast<double>(y)),
                   at_y = Y(static_cast<double>(x), static_cast<double>(y));
      float const value = found[static_cast<std::size_t>(y * 150 + x)];
      if (at_x < 0 || at_x > 299 || at_y < 0 || at_y > 199) {
        if (at_x < 0 || at_y < 0 || at_x >= 300 || at_y >= 200) {
          EXPECT_TRUE(std::isnan(value)) << x << " " << y;
        }
        continue;
      }
      ++inside;
      ASSERT_NEAR(value, 2 * at_x + 3 * at_y, 3e-4) << x << " " << y;
    }
  EXPECT_GT(inside, 10000);
}

TEST(Blot, APartOfTheMosaicThatHoldsItsBoxIsAsGoodAsTheWhole) {
  Ramp const ramp;
  test::Quadratic X, Y;
  X.c = 260;
  X.x = -0.7;
  X.y = 0.6;
  X.xx = 1e-4;
  Y.c = -5;
  Y.x = 0.6;
  Y.y = 0.7;
  auto const map = test::make_quadratic_map(200, 210, X, Y);
  std::vector<float> whole(200 * 210), part(whole.size());
  blot(ramp.whole(), map, {0, 0, 200, 210}, whole.data(), 200);
  for (std::int64_t tile = 0; tile < 12; ++tile) {
    std::int64_t const x0 = tile % 2 * 90, y0 = tile / 2 * 40;
    model::PixelBox const target{x0, y0, tile % 2 ? 200 : 90, std::min<std::int64_t>(210, y0 + 40)};
    auto const box = blot_box(map, target, ramp.nx, ramp.ny);
    std::vector<float> values;
    for (auto y = box.y0; y < box.y1; ++y)
      for (auto x = box.x0; x < box.x1; ++x) values.push_back(ramp.values[static_cast<std::size_t>(y * ramp.nx + x)]);
    blot({values.data(), box, ramp.nx, ramp.ny}, map, target, part.data() + y0 * 200 + x0, 200);
  }
  std::size_t numbers = 0;
  for (std::size_t k = 0; k < whole.size(); ++k) {
    ASSERT_EQ(std::isnan(whole[k]), std::isnan(part[k])) << k;
    if (std::isnan(whole[k])) continue;
    ASSERT_EQ(whole[k], part[k]) << k;
    ++numbers;
  }
  EXPECT_GT(numbers, 20000u);
}

TEST(Blot, NeedsNothingWhereTheExposureMissesTheMosaic) {
  test::Quadratic X, Y;
  X.c = 5000;
  X.x = 1;
  Y.y = 1;
  EXPECT_TRUE(blot_box(test::make_quadratic_map(50, 50, X, Y), {0, 0, 50, 50}, 300, 200).empty());
}

/// 20 x 20 pixels of a flat sky with error 1.
struct FlatSky {
  std::vector<float> sci = std::vector<float>(400, 10.0f), err = std::vector<float>(400, 1.0f),
                     blot = std::vector<float>(400, 10.0f);
  std::vector<std::uint8_t> flags(float level = 0) const {
    std::vector<std::uint8_t> mask;
    flag_outliers({20, 20, sci.data(), err.data(), blot.data()}, level, {}, mask);
    return mask;
  }
};

TEST(FlagOutliers, TheSecondPassTakesNeighboursOnly) {
  FlatSky sky;
  sky.sci[105] = 15.5f;  // above 5
  sky.sci[106] = 14.5f;  // between 4 and 5, beside it
  sky.sci[86] = 14.5f;   // diagonal
  sky.sci[250] = 14.5f;  // alone
  auto const mask = sky.flags();
  std::size_t count = 0;
  for (auto const one : mask) count += one;
  EXPECT_EQ(count, 3u);
  EXPECT_TRUE(mask[105] && mask[106] && mask[86]);
}

TEST(FlagOutliers, WorksTheSameAtEveryEdge) {
  for (std::size_t const corner : {0ul, 19ul, 380ul, 399ul}) {
    FlatSky sky;
    sky.sci[corner] = 0;
    auto const mask = sky.flags();
    EXPECT_EQ(mask[corner], 1);
    EXPECT_EQ(std::count(mask.begin(), mask.end(), 1), 1);
  }
}

TEST(FlagOutliers, HolesAreNeverFlaggedAndMissingErrorsAreZero) {
  FlatSky sky;
  sky.sci[50] = NaN;
  sky.blot[60] = NaN;
  sky.sci[60] = 1000;
  sky.err[70] = NaN;
  sky.sci[70] = 10.01f;
  auto const mask = sky.flags();
  EXPECT_EQ(mask[50], 0);
  EXPECT_EQ(mask[60], 0);
  EXPECT_EQ(mask[70], 1);
  EXPECT_EQ(std::count(mask.begin(), mask.end(), 1), 1);
}

TEST(FlagOutliers, AGradientOfTheBlotIsTolerated) {
  FlatSky sky;
  sky.blot[105] = 14;  // neighbours see a derivative of 4: 1.2 x 4 + 5 = 9.8
  EXPECT_EQ(sky.flags(), std::vector<std::uint8_t>(400, 0));
  sky.sci[104] = 19.5f;
  EXPECT_EQ(sky.flags()[104], 0);
  sky.sci[104] = 20.5f;
  EXPECT_EQ(sky.flags()[104], 1);
}

TEST(FlagOutliers, TheLevelIsTakenOff) {
  FlatSky sky;
  for (auto& value : sky.sci) value += 7;
  auto const with = sky.flags(7), without = sky.flags();
  EXPECT_EQ(std::count(with.begin(), with.end(), 1), 0);
  EXPECT_EQ(std::count(without.begin(), without.end(), 1), 400);
}

TEST(FlagOutliers, BandsWithTheirHaloGiveTheFlagsOfTheWhole) {
  constexpr std::int64_t Nx = 61, Ny = 83;
  std::mt19937 random(5);
  std::vector<float> sci, err(Nx * Ny, 1.0f), blot;
  for (std::int64_t k = 0; k < Nx * Ny; ++k) {
    sci.push_back(static_cast<float>(random() % 1000) / 100);
    blot.push_back(random() % 40 == 0 ? NaN : static_cast<float>(random() % 100) / 100);
  }
  std::vector<std::uint8_t> whole, mask, joined;
  flag_outliers({Nx, Ny, sci.data(), err.data(), blot.data()}, 0, {}, whole);
  for (std::int64_t y0 = 0; y0 < Ny; y0 += 13) {
    std::int64_t const y1 = std::min<std::int64_t>(Ny, y0 + 13), first = std::max<std::int64_t>(0, y0 - OutlierHalo),
                       last = std::min<std::int64_t>(Ny, y1 + OutlierHalo);
    flag_outliers({Nx, last - first, sci.data() + first * Nx, err.data() + first * Nx, blot.data() + first * Nx}, 0, {},
                  mask);
    joined.insert(joined.end(), mask.begin() + (y0 - first) * Nx, mask.begin() + (y1 - first) * Nx);
  }
  EXPECT_EQ(joined, whole);
  EXPECT_GT(std::count(whole.begin(), whole.end(), 1), 100);
}

}  // namespace
}  // namespace tessera::kernels
