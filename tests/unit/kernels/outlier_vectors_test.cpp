// Outlier rejection against the reference libraries' results (outlier_cases.json): masks exact, blots to 1e-5.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/quadratic_map.hpp"
#include "support/test_files.hpp"
#include "support/vector_plane.hpp"
#include "tessera/kernels/blot.hpp"
#include "tessera/kernels/drizzle.hpp"
#include "tessera/kernels/nan_median.hpp"
#include "tessera/kernels/outlier_flags.hpp"
#include "tessera/kernels/resample_weight.hpp"
#include "tessera/kernels/weight_threshold.hpp"

namespace tessera {
namespace {

using nlohmann::json;
using test::read_plane;

std::vector<std::uint8_t> read_mask(json const& rows) {
  std::vector<std::uint8_t> mask;
  for (auto const& row : rows)
    for (auto const& value : row) mask.push_back(value.get<int>() != 0);
  return mask;
}

void expect_near(std::vector<float> const& found, std::vector<float> const& expected, double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t k = 0; k < found.size(); ++k) {
    ASSERT_EQ(std::isnan(found[k]), std::isnan(expected[k])) << k;
    if (std::isnan(expected[k])) continue;
    ASSERT_NEAR(found[k], expected[k], tolerance) << k;
  }
}

json const& vectors() {
  static json const all = test::read_vector("outlier_cases.json");
  return all;
}

kernels::OutlierThresholds read_thresholds(json const& one) {
  return {one.at("snr")[0], one.at("snr")[1], one.at("scale")[0], one.at("scale")[1]};
}

TEST(OutlierVectors, DerivativeAgreesWithTheReference) {
  auto const blot = read_plane(vectors().at("abs_deriv").at("blot"));
  auto const expected = read_plane(vectors().at("abs_deriv").at("expected"));
  std::vector<float> found(blot.values.size());
  kernels::absolute_derivative(blot.values.data(), blot.nx, blot.ny, found.data());
  expect_near(found, expected.values, 0);
}

TEST(OutlierVectors, WeightThresholdAgreesWithTheReference) {
  auto const& one = vectors().at("weight_threshold");
  auto const weight = read_plane(one.at("weight"));
  double const expected = one.at("expected_threshold");
  EXPECT_NEAR(kernels::weight_threshold(weight.values, one.at("maskpt")), expected, 1e-12 * expected);
}

TEST(OutlierVectors, FlagsOfBothPassesAgreeWithTheReference) {
  auto const& one = vectors().at("two_pass_flag");
  auto const sci = read_plane(one.at("sci")), err = read_plane(one.at("err")), blot = read_plane(one.at("blot"));
  std::vector<std::uint8_t> mask;
  kernels::flag_outliers({sci.nx, sci.ny, sci.values.data(), err.values.data(), blot.values.data()},
                         one.at("backg").get<float>(), read_thresholds(one), mask);
  EXPECT_EQ(mask, read_mask(one.at("expected_mask")));
}

TEST(OutlierVectors, FlagsWithoutResamplingAgreeWithTheReference) {
  auto const& one = vectors().at("two_pass_flag");
  auto const sci = read_plane(one.at("sci")), err = read_plane(one.at("err")), blot = read_plane(one.at("blot"));
  std::vector<std::uint8_t> mask;
  kernels::flag_outliers_in_place({sci.nx, sci.ny, sci.values.data(), err.values.data(), blot.values.data()},
                                  vectors().at("no_resample_flag").at("snr"), mask);
  EXPECT_EQ(mask, read_mask(vectors().at("no_resample_flag").at("expected_mask")));
}

TEST(OutlierVectors, BlotAgreesWithTheReference) {
  auto const& one = vectors().at("blot_linear");
  auto const source = read_plane(one.at("source"));
  kernels::ImagePart const image{source.values.data(), {0, 0, source.nx, source.ny}, source.nx, source.ny};
  std::vector<float> found, expected;
  for (auto const& point : one.at("points_xy")) found.push_back(kernels::blot_value(image, point[0], point[1]));
  for (auto const& value : one.at("expected"))
    expected.push_back(value.is_null() ? std::numeric_limits<float>::quiet_NaN() : value.get<float>());
  expect_near(found, expected, 1e-5);
}

/// The images of the case that goes the whole way, drizzled one by one.
class WholeWay : public testing::Test {
 protected:
  WholeWay() {
    for (auto const& image : case_.at("images")) {
      auto const quadratic = [&](char const* key) {
        test::Quadratic q;
        q.c = image.at(key)[0];
        q.x = image.at(key)[1];
        q.y = image.at(key)[2];
        return q;
      };
      auto const data = read_plane(image.at("data"));
      maps_.push_back(
          test::make_quadratic_map(data.nx, data.ny, quadratic("pixmap_x_1_x_y"), quadratic("pixmap_y_1_x_y")));
    }
  }

  model::RowBand band_of(json const& image) const {
    auto const data = read_plane(image.at("data"));
    model::RowBand band;
    band.nx = data.nx;
    band.y1 = data.ny;
    band.sci = data.values;
    band.err = read_plane(image.at("err")).values;
    band.var_rnoise = read_plane(image.at("var_rnoise")).values;
    for (auto const& row : image.at("dq"))
      for (auto const& value : row) band.dq.push_back(value.get<std::uint32_t>());
    return band;
  }

  json const& case_ = vectors().at("end_to_end");
  std::int64_t ny_ = case_.at("parameters").at("out_shape_ny_nx")[0],
               nx_ = case_.at("parameters").at("out_shape_ny_nx")[1];
  std::vector<model::PixelMap> maps_;
};

TEST_F(WholeWay, ThresholdsMedianBlotsAndMasksAgreeWithTheReference) {
  auto const& images = case_.at("images");
  auto const& parameters = case_.at("parameters");
  kernels::DrizzleOptions options;
  options.variances = options.context = false;
  std::vector<std::vector<float>> stack;
  for (std::size_t k = 0; k < images.size(); ++k) {
    auto band = band_of(images[k]);
    std::vector<float> weight;
    kernels::prepare_for_resampling(band, images[k].at("background_level_not_subtracted"),
                                    {kernels::WeightType::Ivm, 1, 1.0}, weight);
    kernels::BlockAccumulator block({0, 0, nx_, ny_}, nx_, ny_, options);
    kernels::DrizzleInput input;
    input.map = &maps_[k];
    input.y1 = band.y1;
    input.data = band.sci.data();
    input.weight = weight.data();
    block.add(input);
    auto drizzled = block.finish(std::numeric_limits<float>::quiet_NaN());
    double const threshold = kernels::weight_threshold(drizzled.wht, parameters.at("maskpt")),
                 expected = images[k].at("expected_weight_threshold");
    EXPECT_NEAR(threshold, expected, 1e-5 * expected);
    for (std::size_t p = 0; p < drizzled.sci.size(); ++p)
      if (static_cast<double>(drizzled.wht[p]) < threshold) drizzled.sci[p] = std::numeric_limits<float>::quiet_NaN();
    stack.push_back(drizzled.sci);
  }
  std::vector<float const*> planes;
  for (auto const& plane : stack) planes.push_back(plane.data());
  std::vector<float> median(stack[0].size());
  kernels::nan_median(planes.data(), static_cast<std::int64_t>(planes.size()), nx_ * ny_, median.data());
  expect_near(median, read_plane(case_.at("expected_median")).values, 1e-5);

  kernels::ImagePart const mosaic{median.data(), {0, 0, nx_, ny_}, nx_, ny_};
  std::size_t flagged = 0;
  for (std::size_t k = 0; k < images.size(); ++k) {
    auto const band = band_of(images[k]);
    std::vector<float> blotted(band.sci.size());
    kernels::blot(mosaic, maps_[k], {0, 0, band.nx, band.y1}, blotted.data(), band.nx);
    expect_near(blotted, read_plane(images[k].at("expected_blot")).values, 1e-5);
    std::vector<std::uint8_t> mask;
    kernels::flag_outliers({band.nx, band.y1, band.sci.data(), band.err.data(), blotted.data()},
                           images[k].at("background_level_not_subtracted").get<float>(), read_thresholds(parameters),
                           mask);
    EXPECT_EQ(mask, read_mask(images[k].at("expected_mask"))) << "image " << k;
    for (auto const one : mask) flagged += one;
  }
  EXPECT_GT(flagged, 0u);
}

}  // namespace
}  // namespace tessera
