// Weights of resampling (spec 30, 4.5), by hand.
#include "tessera/kernels/resample_weight.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "tessera/core/error.hpp"

namespace tessera {
namespace {

constexpr float NaN = std::numeric_limits<float>::quiet_NaN(), Infinity = std::numeric_limits<float>::infinity();

/// One row: good, NaN in SCI, DO_NOT_USE, NON_SCIENCE, jump only, read noise 0, read noise infinite, NaN in VAR_FLAT,
/// negative.
model::RowBand make_band() {
  model::RowBand band;
  band.nx = 9;
  band.y0 = 4;
  band.y1 = 5;
  band.sci = {10, NaN, 12, 13, 14, 15, 16, 17, 18};
  band.err = std::vector<float>(9, 1.0f);
  band.dq = {0, 0, 1, 512, 4, 0, 0, 0, 0};
  band.var_rnoise = {4, 4, 4, 4, 0.25f, 0, Infinity, 1, 16};
  band.var_flat = {9, 9, 9, 9, 9, 9, 9, NaN, 9};
  band.var_poisson = {16, 16, 16, 16, 16, 16, 16, 16, -1};
  return band;
}

using Values = std::vector<float>;

TEST(PrepareForResampling, WeighsByTheInverseReadNoise) {
  auto band = make_band();
  Values weight;
  kernels::prepare_for_resampling(band, 2.5, {}, weight);
  EXPECT_EQ(weight, (Values{0.25f, 0, 0, 0, 4, 0, 0, 0, 0.0625f}));
  EXPECT_EQ(band.sci, (Values{7.5f, 0, 0, 0, 11.5f, 12.5f, 13.5f, 0, 15.5f}));
  EXPECT_EQ(band.var_rnoise, (Values{2, 2, 2, 2, 0.5f, 0, Infinity, 1, 4}));
  EXPECT_EQ(band.var_flat, (Values{3, 3, 3, 3, 3, 3, 3, 0, 3}));
  EXPECT_EQ(band.var_poisson, (Values{4, 4, 4, 4, 4, 4, 4, 4, 0}));
}

TEST(PrepareForResampling, WeighsByTheExposureTime) {
  auto band = make_band();
  Values weight;
  kernels::prepare_for_resampling(band, 0, {.type = kernels::WeightType::Exptime, .exposure_time = 85.9}, weight);
  EXPECT_EQ(weight, (Values{85.9f, 0, 0, 0, 85.9f, 85.9f, 85.9f, 0, 85.9f}));
}

TEST(PrepareForResampling, WeighsGoodPixelsAlikeWithoutReadNoise) {
  auto band = make_band();
  band.var_rnoise.clear();
  Values weight;
  kernels::prepare_for_resampling(band, 0, {}, weight);
  EXPECT_EQ(weight, (Values{1, 0, 0, 0, 1, 1, 1, 0, 1}));
}

TEST(PrepareForResampling, TakesOnlyTheBadBitsItIsGiven) {
  auto band = make_band();
  Values weight;
  kernels::prepare_for_resampling(band, 0, {.type = kernels::WeightType::None, .bad_bits = 4}, weight);
  EXPECT_EQ(weight, (Values{1, 0, 0, 1, 0, 1, 1, 0, 1})) << "DO_NOT_USE pixels are no data whatever the bits";
  band = make_band();
  band.dq.clear();
  kernels::prepare_for_resampling(band, 0, {.type = kernels::WeightType::None}, weight);
  EXPECT_EQ(weight, (Values{1, 0, 1, 1, 1, 1, 1, 0, 1}));
}

TEST(ParseWeightType, NamesTheTypesThereAre) {
  EXPECT_EQ(kernels::parse_weight_type("ivm-sky"), kernels::WeightType::IvmSky);
  EXPECT_THROW(kernels::parse_weight_type("inverse"), ConfigError);
}

}  // namespace
}  // namespace tessera
