// Parts of outlier_detection that a whole run shows too little of.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "../../../src/steps/outlier_detection/estimate_errors.hpp"
#include "../../../src/steps/outlier_detection/outlier_options.hpp"
#include "../../../src/steps/outlier_detection/weight_store.hpp"
#include "support/exposure_files.hpp"
#include "support/test_files.hpp"
#include "tessera/config/step_catalogue.hpp"
#include "tessera/core/error.hpp"
#include "tessera/store/inventory.hpp"

namespace tessera::steps {
namespace {

std::vector<float> numbers(std::size_t count, float first) {
  std::vector<float> values(count);
  for (std::size_t k = 0; k < count; ++k) values[k] = first + static_cast<float>(k);
  return values;
}

TEST(WeightStore, GivesBackWhatWasAddedFromMemoryAndFile) {
  test::ScratchFolder const scratch("weights");
  auto const file = scratch.path() / "weights.tmp";
  for (std::int64_t const memory : {0, 500, 1 << 20}) {
    WeightStore store(file, memory);
    for (int round = 0; round < 2; ++round) {  // cleared, it starts anew
      std::vector<float> expected;
      for (std::size_t piece = 0; piece < 7; ++piece) {
        auto const values = numbers(piece * 40, static_cast<float>(1000 * round + 100 * static_cast<int>(piece)));
        expected.insert(expected.end(), values.begin(), values.end());
        store.add(values);
      }
      for (int pass = 0; pass < 2; ++pass) {
        std::vector<float> found;
        store.each_piece([&](std::span<float const> piece) { found.insert(found.end(), piece.begin(), piece.end()); });
        EXPECT_EQ(found, expected) << memory << " bytes in memory";
      }
      EXPECT_EQ(std::filesystem::exists(file), memory < (1 << 20));
      store.clear();
      EXPECT_FALSE(std::filesystem::exists(file));
    }
  }
}

TEST(WeightStore, SaysWhenItsFileCannotBeWritten) {
  WeightStore store("/nonexistent/folder/weights.tmp", 0);
  EXPECT_THROW(store.add({1, 2, 3}), IoError);
}

/// A plain image of Gaussian noise about a level; a fiftieth of it shines brightly.
store::ExposureRecord write_noise(std::filesystem::path const& path, double level, double noise,
                                  std::optional<double> gain) {
  std::mt19937 random(11);
  std::normal_distribution<double> normal;
  std::vector<float> values;
  for (int k = 0; k < 200 * 100; ++k)
    values.push_back(static_cast<float>(level + noise * normal(random) + (k % 50 == 0 ? 1e4 : 0.0)));
  values[77] = std::numeric_limits<float>::quiet_NaN();
  model::Header image;
  test::set_tan(image, 200, 100, 30, 10);
  if (gain) image.set("GAIN", *gain);
  test::write_exposure(path, 200, 100, {}, image, {{"IMAGE", values}});
  std::vector<store::InputNote> notes;
  return store::examine_exposure({"target", "band", path.string(), "", ""}, notes).value();
}

TEST(EstimateErrors, TakesTheBackgroundFromTheClippedNoise) {
  test::ScratchFolder const scratch("errors");
  auto const estimate = estimate_errors(write_noise(scratch.path() / "a.fits", 1000, 20, std::nullopt));
  EXPECT_NEAR(estimate.median, 1000, 1);
  EXPECT_NEAR(std::sqrt(estimate.background), 20, 0.6);  // clipping at 3 sigma takes a hundredth, chance as much
  EXPECT_NEAR(estimate.a_count, 20.0 * 20 / 1000, 0.03) << "the background is all photons";
}

TEST(EstimateErrors, BelievesTheGainOfTheHeader) {
  test::ScratchFolder const scratch("errors-gain");
  EXPECT_DOUBLE_EQ(estimate_errors(write_noise(scratch.path() / "a.fits", 1000, 20, 4.0)).a_count, 0.25);
  EXPECT_NEAR(estimate_errors(write_noise(scratch.path() / "b.fits", 1000, 20, -1.0)).a_count, 0.4, 0.03)
      << "a gain below 0 is none";
}

TEST(EstimateErrors, AddsNoPhotonsToABackgroundThatWasTakenOff) {
  test::ScratchFolder const scratch("errors-off");
  EXPECT_EQ(estimate_errors(write_noise(scratch.path() / "a.fits", 3, 20, std::nullopt)).a_count, 0);
}

TEST(EstimateErrors, GrowWithThePhotonsAboveTheBackground) {
  std::vector<float> err;
  fill_errors({9, 0.5, 100}, {50, 100, 132, std::numeric_limits<float>::quiet_NaN()}, err);
  EXPECT_EQ(err, (std::vector<float>{3, 3, 5, 3}));
}

/// Parameters of lv3 with `key` of outlier_detection set.
config::ResolvedParameters parameters_with(std::string const& key, config::Value const& value) {
  config::ResolvedParameters parameters;
  for (auto const& declared : config::inner_table("outlier_detection").parameters)
    parameters.by_key["jwst_parameters.outlier_detection." + declared.key] = {
        declared.key == key ? value : declared.default_value, declared.key != key, declared.type, declared.support};
  return parameters;
}

TEST(OutlierOptions, AreTheOfficialOnes) {
  auto const options = outlier_options(parameters_with("", 0));
  EXPECT_EQ(options.thresholds.snr1, 5);
  EXPECT_EQ(options.thresholds.snr2, 4);
  EXPECT_EQ(options.thresholds.scale1, 1.2);
  EXPECT_EQ(options.thresholds.scale2, 0.7);
  EXPECT_EQ(options.maskpt, 0.7);
  EXPECT_EQ(options.bad_bits, 1u);
  EXPECT_FALSE(options.drizzle.context || options.drizzle.variances);
}

TEST(OutlierOptions, ThresholdsMustBeTwoNumbers) {
  for (char const* text : {"5.0", "5.0 4.0 3.0", "", "five four", "5.0 -4.0", "5.0,4.0"}) {
    EXPECT_THROW(outlier_options(parameters_with("snr", std::string(text))), ConfigError) << text;
    EXPECT_THROW(outlier_options(parameters_with("scale", std::string(text))), ConfigError) << text;
  }
  EXPECT_EQ(outlier_options(parameters_with("snr", std::string(" 6   3.5 "))).thresholds.snr2, 3.5);
}

TEST(OutlierOptions, ADropNeedsASize) { EXPECT_THROW(outlier_options(parameters_with("pixfrac", 0.0)), ConfigError); }

}  // namespace
}  // namespace tessera::steps
