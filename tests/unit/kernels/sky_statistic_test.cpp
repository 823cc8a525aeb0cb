// Sky statistics against the reference library (skymatch_cases.json) and their properties.
#include "tessera/kernels/sky_statistic.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "support/test_files.hpp"
#include "tessera/core/error.hpp"
#include "tessera/kernels/sky_regions.hpp"

namespace tessera::kernels {
namespace {

using Kind = SkyStatisticKind;
using nlohmann::json;

std::optional<double> optional_number(json const& value) {
  return value.is_null() ? std::nullopt : std::optional(value.get<double>());
}

std::vector<float> normal_sky(int count, float level, float deviation, unsigned seed = 3) {
  std::mt19937 random(seed);
  std::vector<float> values;
  for (int k = 0; k < count; ++k) {
    double sum = 0;  // twelve uniforms: a normal one near enough, the same on every platform
    for (int u = 0; u < 12; ++u) sum += static_cast<double>(random()) / 4294967296.0;
    values.push_back(level + deviation * static_cast<float>(sum - 6));
  }
  return values;
}

double value_of(std::span<float const> values, Kind kind) { return measure_sky(values, {.kind = kind}).value().value; }

TEST(MeasureSky, AgreesWithTheReferenceLibrary) {
  for (auto const& one : test::read_vector("skymatch_cases.json").at("statistics")) {
    SCOPED_TRACE(one.at("name").get<std::string>());
    auto const data = one.at("data").get<std::vector<float>>();
    auto const &parameters = one.at("parameters"), &expected = one.at("expected");
    SkyStatisticOptions options;
    options.lower = optional_number(parameters.at("lower"));
    options.upper = optional_number(parameters.at("upper"));
    options.clips = parameters.at("nclip");
    options.lower_sigma = parameters.at("lsig");
    options.upper_sigma = parameters.at("usig");
    options.bin_width = parameters.at("binwidth");
    for (char const* kind : {"mean", "median", "mode", "midpt"}) {
      SCOPED_TRACE(kind);
      options.kind = parse_sky_statistic(kind);
      auto const sky = measure_sky(data, options);
      ASSERT_TRUE(sky);
      double const wanted = expected.at(kind), tolerance = options.kind == Kind::Mode ? 1e-5 : 1e-6;
      EXPECT_NEAR(sky->value, wanted, tolerance * std::abs(wanted));
      EXPECT_EQ(sky->pixels, expected.at("npix").get<std::int64_t>());
      EXPECT_NEAR(sky->least, expected.at("min").get<double>(), 1e-6 * std::abs(expected.at("min").get<double>()));
      EXPECT_NEAR(sky->greatest, expected.at("max").get<double>(), 1e-6 * std::abs(expected.at("max").get<double>()));
      EXPECT_NEAR(sky->mean, expected.at("mean").get<double>(), 1e-6 * std::abs(expected.at("mean").get<double>()));
      EXPECT_NEAR(sky->deviation, expected.at("stddev").get<double>(), 1e-6 * expected.at("stddev").get<double>());
    }
  }
}

TEST(MeasureSky, FindsTheLevelOfNoiseUnderStars) {
  auto values = normal_sky(40000, 3, 0.1f);
  for (std::size_t k = 0; k < values.size(); k += 40) values[k] += 20;  // 200 sigma on one pixel in forty
  for (Kind const kind : {Kind::Mean, Kind::Median}) EXPECT_NEAR(value_of(values, kind), 3, 0.002);
  // Bin numbers are turned into values by a width that is up to one bin in all too small: half a bin in the middle.
  EXPECT_NEAR(value_of(values, Kind::Midpt), 3, 0.5 * 0.1 * 0.1 + 0.002);
  EXPECT_NEAR(value_of(values, Kind::Mode), 3, 0.03);  // a mode is as good as the peak of its histogram
}

TEST(MeasureSky, MovesWithALevelThatIsAdded) {
  auto const values = normal_sky(5000, 1, 0.25f);
  auto raised = values;
  for (float& v : raised) v += 2;
  for (Kind const kind : {Kind::Mode, Kind::Mean, Kind::Median, Kind::Midpt})
    EXPECT_NEAR(value_of(raised, kind), value_of(values, kind) + 2, kind == Kind::Mode ? 0.02 : 2e-4);
}

TEST(MeasureSky, AllButTheExtremesAreBlindToTheOrderOfThePixels) {
  auto values = normal_sky(3000, 1, 0.25f);
  auto reversed = values;
  std::reverse(reversed.begin(), reversed.end());
  EXPECT_EQ(value_of(values, Kind::Median), value_of(reversed, Kind::Median));
  EXPECT_NEAR(value_of(values, Kind::Mean), value_of(reversed, Kind::Mean), 1e-7);
}

TEST(MeasureSky, AConstantImageHasItsValue) {
  std::vector<float> const values(100, 7.25f);
  for (Kind const kind : {Kind::Mode, Kind::Mean, Kind::Median, Kind::Midpt}) EXPECT_EQ(value_of(values, kind), 7.25);
}

TEST(MeasureSky, TakesTheMeanOfTheTwoMiddleValues) {
  std::vector<float> const values{4, 1, 3, 2};
  EXPECT_EQ(value_of(values, Kind::Median), 2.5);
}

TEST(MeasureSky, OnePixelHasAMeanAndAMedianButNoMode) {
  std::vector<float> const values{3.25f};
  EXPECT_EQ(value_of(values, Kind::Mean), 3.25);
  EXPECT_EQ(value_of(values, Kind::Median), 3.25);
  EXPECT_FALSE(measure_sky(values, {.kind = Kind::Mode}));
  EXPECT_FALSE(measure_sky(values, {.kind = Kind::Midpt}));
}

TEST(MeasureSky, HasNoValueWhereTheLimitsLeaveNothing) {
  std::vector<float> const values{1, 2, 3, 4};
  for (Kind const kind : {Kind::Mode, Kind::Mean, Kind::Median, Kind::Midpt}) {
    EXPECT_FALSE(measure_sky({}, {.kind = kind}));
    EXPECT_FALSE(measure_sky(values, {.kind = kind, .lower = 5}));
    EXPECT_FALSE(measure_sky(values, {.kind = kind, .upper = 0}));
    EXPECT_FALSE(measure_sky(values, {.kind = kind, .lower = 2.5, .upper = 2.6}));
  }
}

TEST(MeasureSkyRegions, MeasuresTheGoodPixelsOfEachRegionHoweverManyAtOnce) {
  auto image = normal_sky(40 * 30, 2, 0.1f);
  image[5 * 40 + 7] = std::nanf("");
  std::vector<std::vector<PixelRun>> regions{{{5, 5, 10}, {6, 0, 40}}, {}, {{5, 7, 8}}};
  for (std::int64_t y = 0; y < 30; ++y) regions.push_back({{y, y, 40}});
  SkyStatisticOptions const options{.kind = Kind::Median};
  auto const skies = measure_sky_regions(image, 40, regions, options, 1);
  ASSERT_EQ(skies.size(), regions.size());
  EXPECT_EQ(skies[0]->pixels, 4 + 40);
  EXPECT_FALSE(skies[1]);
  EXPECT_FALSE(skies[2]) << "its only pixel is NaN";
  std::vector<float> const row(image.begin() + 9 * 40 + 9, image.begin() + 10 * 40);
  EXPECT_EQ(skies[3 + 9]->value, measure_sky(row, options)->value);
  for (int const at_once : {2, 100}) {
    auto const again = measure_sky_regions(image, 40, regions, options, at_once);
    for (std::size_t k = 0; k < skies.size(); ++k)
      EXPECT_EQ(again[k] ? again[k]->value : -1, skies[k] ? skies[k]->value : -1);
  }
}

TEST(ParseSkyStatistic, NamesTheKindsThereAre) {
  EXPECT_EQ(parse_sky_statistic("midpt"), Kind::Midpt);
  try {
    parse_sky_statistic("modal");
    FAIL();
  } catch (ConfigError const& error) {
    EXPECT_NE(std::string(error.what()).find("mode, median, mean or midpt"), std::string::npos);
  }
}

}  // namespace
}  // namespace tessera::kernels
