// Offs chosen or weighted by time, against the truth of a background that drifts.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "support/lv2_parameters.hpp"
#include "support/vector_noise.hpp"
#include "tessera/kernels/combine_backgrounds.hpp"
#include "tessera/steps/lv2/associate.hpp"

namespace tessera::steps {
namespace {

using config::Value;

constexpr std::size_t Pixels = 2000;

/// Twelve visits half a day apart, an off after each; a background whose level swings by `drift` (in units of the noise
/// of one off) with a period of `period` days.
class DriftingBackground {
 public:
  DriftingBackground(double drift, double period) : drift_(drift), period_(period) {
    test::VectorNoise random(7);
    for (int visit = 0; visit < 12; ++visit)
      for (char const sequence : {'1', '2'}) {
        RateRecord record;
        record.identity.exposure = std::to_string(visit) + sequence;
        record.detector = "MIRIMAGE";
        record.observation = std::to_string(visit);
        record.parallel_sequence = sequence;
        record.helio_mid = record.start = 59800 + 0.5 * visit + (sequence == '2' ? 0.05 : 0.0);
        records_.push_back(record);
        auto& image = images_.emplace_back();
        for (std::size_t p = 0; p < Pixels; ++p)
          image.push_back(static_cast<float>(level(record.helio_mid) + random.deviate()));
      }
  }

  /// rms over pixels and visits of the combined background less the true one.
  double error(std::map<std::string, Value> settings) const {
    settings["bgr_observation_types"] = Value(Value::List{"miri"});
    std::vector<int> members;
    for (std::size_t k = 0; k < records_.size(); ++k) members.push_back(static_cast<int>(k));
    auto const made =
        associate(records_, members, config::parse_band("F770W"), test::lv2_parameters(settings)).associations;
    std::vector<float> const ones(Pixels, 1.0f);
    std::vector<std::uint32_t> const good(Pixels, 0u);
    double sum = 0;
    for (auto const& association : made) {
      std::vector<kernels::BackgroundPixels> offs;
      for (std::size_t k = 0; k < association.backgrounds.size(); ++k)
        offs.push_back({.sci = images_[static_cast<std::size_t>(association.backgrounds[k])],
                        .err = ones,
                        .dq = good,
                        .masked = {},
                        .weight = association.weights[k]});
      auto const combined = kernels::combine_backgrounds(offs, {});
      auto const truth = level(records_[static_cast<std::size_t>(association.science)].helio_mid);
      for (float const value : combined.sci) sum += (value - truth) * (value - truth);
    }
    return std::sqrt(sum / static_cast<double>(made.size() * Pixels));
  }

 private:
  double drift_, period_;
  std::vector<RateRecord> records_;
  std::vector<std::vector<float>> images_;

  double level(double time) const { return 10 + drift_ * std::sin(2 * std::numbers::pi * (time - 59800) / period_); }
};

struct Errors {
  double all, nearest, weighted;
  explicit Errors(DriftingBackground const& background)
      : all(background.error({})),
        nearest(background.error({{"off_selection", Value(3)}})),
        weighted(background.error({{"off_weighting_days", Value(0.5)}})) {
    std::printf("all %.2f, nearest three %.2f, weighted %.2f\n", all, nearest, weighted);
  }
};

TEST(OffTimes, OfABackgroundThatDriftsTheNearestOffsAreBetter) {
  Errors const errors(DriftingBackground(2, 6));
  EXPECT_GT(errors.all, 1.3);  // 2 / sqrt(2): the swing itself is left
  EXPECT_LT(errors.nearest, errors.all / 2);
  EXPECT_LT(errors.weighted, errors.all / 2);
}

TEST(OffTimes, OfAConstantBackgroundAllOffsAreBest) {
  Errors const errors(DriftingBackground(0, 6));
  EXPECT_NEAR(errors.all, std::sqrt(1.0 / 12), 0.02);
  EXPECT_NEAR(errors.nearest, std::sqrt(1.0 / 3), 0.04);
  EXPECT_GT(errors.weighted, errors.all);
  EXPECT_LT(errors.weighted, errors.nearest * 1.1);
}

TEST(OffTimes, DriftsSmallAgainstTheNoiseAreNoReasonToChoose) {
  Errors const errors(DriftingBackground(0.25, 6));
  EXPECT_LT(errors.all, errors.nearest);
}

}  // namespace
}  // namespace tessera::steps
