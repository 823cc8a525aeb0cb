// The Butterworth filter of single_tile_destripe (spec 40, 1.5) against its vector, and what it does to waves.
#include "tessera/kernels/high_pass.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "support/test_files.hpp"
#include "support/vector_noise.hpp"
#include "tessera/kernels/sigma_clip.hpp"

namespace tessera {
namespace {

constexpr std::int64_t Side = 128;
constexpr double Tolerance = 1e-9;

std::vector<double> make_input() {
  test::VectorNoise random(12345);
  std::vector<double> image;
  for (int y = 0; y < Side; ++y)
    for (int x = 0; x < Side; ++x)
      image.push_back(5 + 2 * std::exp(-((x - 40.0) * (x - 40.0) + (y - 70.0) * (y - 70.0)) / 800) +
                      0.3 * std::sin(2 * std::numbers::pi * x / 8) + 0.02 * (x - y) + 0.1 * random.deviate() +
                      0.05 * std::sin(2 * std::numbers::pi * y / 3));
  return image;
}

double at(std::vector<double> const& image, nlohmann::json const& y, nlohmann::json const& x) {
  return image[static_cast<std::size_t>(y.get<std::int64_t>() * Side + x.get<std::int64_t>())];
}

/// Statistics over the finite pixels and samples [y, x, value].
void expect_image(std::vector<double> const& image, nlohmann::json const& expected) {
  double sum = 0, squares = 0, least = 1e300, most = -1e300;
  std::int64_t count = 0;
  for (double const value : image) {
    if (!std::isfinite(value)) continue;
    sum += value;
    ++count;
    least = std::min(least, value);
    most = std::max(most, value);
  }
  double const mean = sum / static_cast<double>(count);
  for (double const value : image)
    if (std::isfinite(value)) squares += (value - mean) * (value - mean);
  auto const& stats = expected["stats"];
  EXPECT_EQ(count, stats["nfinite"].get<std::int64_t>());
  EXPECT_NEAR(mean, stats["mean"].get<double>(), Tolerance);
  EXPECT_NEAR(std::sqrt(squares / static_cast<double>(count)), stats["std"].get<double>(), Tolerance);
  EXPECT_NEAR(least, stats["min"].get<double>(), Tolerance);
  EXPECT_NEAR(most, stats["max"].get<double>(), Tolerance);
  for (auto const& sample : expected["samples"]) {
    if (sample[2].is_null())
      EXPECT_TRUE(std::isnan(at(image, sample[0], sample[1]))) << sample;
    else
      EXPECT_NEAR(at(image, sample[0], sample[1]), sample[2].get<double>(), Tolerance) << sample;
  }
}

TEST(HighPass, HasTheGainOfTheVector) {
  auto const expected = test::read_vector("pj_butterworth.json")["transfer"];
  kernels::HighPass const filter{expected["fc"].get<double>(), expected["order"].get<int>()};
  for (std::size_t k = 0; k < expected["f"].size(); ++k)
    EXPECT_NEAR(kernels::high_pass_gain(expected["f"][k].get<double>(), filter), expected["H"][k].get<double>(), 1e-12);
}

TEST(HighPass, FiltersAsTheVectorDoes) {
  auto const vector = test::read_vector("pj_butterworth.json");
  for (double const cutoff : {0.005, 0.05}) {
    auto const& expected = vector[cutoff == 0.005 ? "out_fc_0.005" : "out_fc_0.05"];
    auto image = make_input();
    kernels::filter_high_pass(std::span(image), Side, Side, {cutoff, 2});
    expect_image(image, expected);
    for (std::size_t y = 0; y < 5; ++y) {
      std::vector<double> row(image.begin() + static_cast<std::ptrdiff_t>(y * Side),
                              image.begin() + static_cast<std::ptrdiff_t>((y + 1) * Side));
      EXPECT_NEAR(kernels::median_in_place(row), expected["rowmedian_first5"][y].get<double>(), Tolerance);
    }
  }
}

TEST(HighPass, FillsMaskedPixelsWithTheMedianOfTheirRowAsTheVectorDoes) {
  auto const expected = test::read_vector("pj_butterworth.json")["masked"];
  auto image = make_input();
  std::vector<std::size_t> bad;
  for (std::size_t y = 0; y < Side; ++y)
    for (std::size_t x = 0; x < Side; ++x)
      if (y == 20 || x == 5 || (y >= 60 && y < 64 && x >= 60 && x < 64) || (y == 100 && x == 100))
        bad.push_back(y * Side + x);
  for (auto const k : bad) image[k] = 0;
  kernels::filter_high_pass(std::span(image), Side, Side);
  for (auto const k : bad) image[k] = NAN;
  kernels::fill_with_row_medians(std::span(image), Side, Side);
  expect_image(image, expected);
}

TEST(HighPass, LetsShortWavesThroughAndStopsLongOnes) {
  // Cosines that the mirrored image continues: their gain is that of their frequency alone.
  constexpr std::int64_t nx = 96, ny = 64;
  for (int const period : {4, 8, 16, 48}) {
    std::vector<double> image, wave;
    for (int y = 0; y < ny; ++y)
      for (int x = 0; x < nx; ++x) wave.push_back(std::cos(2 * std::numbers::pi * (x + 0.5) / period));
    image = wave;
    kernels::HighPass const filter{0.05, 2};
    kernels::filter_high_pass(std::span(image), nx, ny, filter);
    double const gain = kernels::high_pass_gain(1.0 / period, filter);
    for (std::size_t k = 0; k < image.size(); ++k) ASSERT_NEAR(image[k], gain * wave[k], 1e-12) << period;
  }
}

TEST(HighPass, TakesAConstantAwayWhateverTheShape) {
  for (auto const& [nx, ny] : {std::pair<std::int64_t, std::int64_t>{37, 21}, {1, 5}, {64, 3}, {728, 1024}}) {
    std::vector<float> image(static_cast<std::size_t>(nx * ny), 3.25f);
    kernels::filter_high_pass(std::span(image), nx, ny);
    for (float const value : image) ASSERT_NEAR(value, 0, 1e-5);
  }
}

TEST(HighPass, GivesTheSameBitsEveryTime) {
  auto first = make_input(), second = first;
  kernels::filter_high_pass(std::span(first), Side, Side);
  std::vector<double> const elsewhere(1001, 1.0);  // moves the next allocation
  kernels::filter_high_pass(std::span(second), Side, Side);
  EXPECT_EQ(first, second);
}

}  // namespace
}  // namespace tessera
