// Stripes measured in one exposure (spec 40, 1.5) against the vectors.
#include "tessera/kernels/single_tile_stripes.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "row_median_vector.hpp"
#include "support/test_files.hpp"
#include "tessera/core/error.hpp"

namespace tessera {
namespace {

using kernels::ColumnStripes;
using kernels::RowStripes;

constexpr std::int64_t Side = test::RowMedianSide;
constexpr double Tolerance = 1e-9;

struct RowMedianScene {
  nlohmann::json vector = test::read_vector("pj_row_median.json");
  std::vector<double> image = test::make_row_median_input();
  std::vector<std::uint8_t> mask = test::make_row_median_mask(vector);

  static kernels::SingleTileOptions options(bool quadrants) {
    kernels::SingleTileOptions made;
    made.bounds = quadrants ? std::vector<std::int64_t>{0, 16, 32, 48, 64} : std::vector<std::int64_t>{0, 64};
    made.scales = {3, 7, 15};
    return made;
  }
  kernels::StripeModel rows(RowStripes method, bool quadrants) const {
    return kernels::measure_row_stripes(method, std::span(image), mask, Side, Side, options(quadrants));
  }
  std::vector<double> columns(ColumnStripes method) const {
    return kernels::measure_column_stripes(method, std::span(image), mask, Side, Side, options(true));
  }
};

std::vector<double> draw(kernels::StripeModel const& model, std::vector<std::int64_t> const& bounds) {
  std::vector<double> image;
  for (std::size_t y = 0; y < Side; ++y)
    for (std::size_t a = 0; a < model.rows.size(); ++a)
      for (auto x = bounds[a]; x < bounds[a + 1]; ++x)
        image.push_back(model.rows[a][y] + (model.columns.empty() ? 0 : model.columns[static_cast<std::size_t>(x)]));
  return image;
}

void expect_statistics(std::vector<double> const& image, nlohmann::json const& expected) {
  double sum = 0, squares = 0;
  std::int64_t count = 0;
  for (double const value : image)
    if (std::isfinite(value)) {
      sum += value;
      ++count;
    }
  double const mean = sum / static_cast<double>(count);
  for (double const value : image)
    if (std::isfinite(value)) squares += (value - mean) * (value - mean);
  EXPECT_EQ(count, expected["nfinite"].get<std::int64_t>());
  EXPECT_NEAR(mean, expected["mean"].get<double>(), Tolerance);
  EXPECT_NEAR(std::sqrt(squares / static_cast<double>(count)), expected["std"].get<double>(), Tolerance);
}

void expect_value(double value, nlohmann::json const& expected, std::string const& where) {
  if (expected.is_null())
    EXPECT_TRUE(std::isnan(value)) << where;
  else
    EXPECT_NEAR(value, expected.get<double>(), Tolerance) << where;
}

TEST(SingleTileStripes, MedianFilterFollowsTheVectorWithAmplifiers) {
  RowMedianScene const scene;
  auto const& expected = scene.vector["median_filter"];
  auto const model = scene.rows(RowStripes::MedianFilter, true);
  ASSERT_EQ(model.rows.size(), 4u);
  EXPECT_TRUE(model.columns.empty());
  for (std::size_t a = 0; a < 4; ++a)
    for (std::size_t k = 0; k < expected["rows"].size(); ++k)
      expect_value(model.rows[a][expected["rows"][k].get<std::size_t>()], expected["model_recommended"][a][k],
                   expected["rows"][k].dump());
  expect_statistics(draw(model, RowMedianScene::options(true).bounds), expected["stats_recommended"]);
  auto const poor =
      kernels::find_poor_rows(std::span<double const>(scene.image), scene.mask, Side, Side, scene.options(true));
  EXPECT_EQ(nlohmann::json(poor), expected["fallback_rows_per_amp"]);
}

TEST(SingleTileStripes, MedianFilterFollowsTheVectorWithoutAmplifiers) {
  RowMedianScene const scene;
  auto const& expected = scene.vector["median_filter_noquad"];
  auto const model = scene.rows(RowStripes::MedianFilter, false);
  for (std::size_t k = 0; k < expected["rows"].size(); ++k)
    expect_value(model.rows[0][expected["rows"][k].get<std::size_t>()], expected["model"][k],
                 expected["rows"][k].dump());
  double sum = 0;
  for (double const value : model.rows[0]) sum += std::abs(value);
  EXPECT_NEAR(sum, expected["sum_abs"].get<double>(), 64 * Tolerance);
}

TEST(SingleTileStripes, ColumnMediansFollowTheVector) {
  RowMedianScene const scene;
  auto const& expected = scene.vector["vertical_row_median"];
  auto const columns = scene.columns(ColumnStripes::RowMedian);
  for (std::size_t k = 0; k < expected["cols"].size(); ++k)
    expect_value(columns[expected["cols"][k].get<std::size_t>()], expected["model_recommended"][k],
                 expected["cols"][k].dump());
}

TEST(SingleTileStripes, RowMediansFollowTheVector) {
  RowMedianScene const scene;
  auto const& expected = scene.vector["row_median"];
  auto const quad = scene.rows(RowStripes::RowMedian, true), whole = scene.rows(RowStripes::RowMedian, false);
  for (std::size_t k = 0; k < expected["points"].size(); ++k) {
    auto const y = expected["points"][k][0].get<std::size_t>(), x = expected["points"][k][1].get<std::size_t>();
    expect_value(quad.rows[x / 16][y], expected["quad"][k], expected["points"][k].dump());
    expect_value(whole.rows[0][y], expected["noquad"][k], expected["points"][k].dump());
  }
}

TEST(SingleTileStripes, RemstripeFollowsTheVector) {
  RowMedianScene const scene;
  auto const& expected = scene.vector["remstripe_quad"];
  auto const model = scene.rows(RowStripes::Remstripe, true);
  auto const image = draw(model, RowMedianScene::options(true).bounds);
  for (std::size_t k = 0; k < expected["points"].size(); ++k) {
    auto const y = expected["points"][k][0].get<std::size_t>(), x = expected["points"][k][1].get<std::size_t>();
    expect_value(image[y * Side + x], expected["model"][k], expected["points"][k].dump());
  }
  expect_statistics(image, expected["stats"]);
  EXPECT_TRUE(scene.rows(RowStripes::Remstripe, false).columns.empty()) << "whole rows have rows alone";
}

TEST(SingleTileStripes, SmoothFollowsTheVector) {
  RowMedianScene scene;
  auto const& expected = scene.vector["smooth_noquad"];
  for (std::size_t x = 0; x < Side; ++x) scene.mask[30 * Side + x] = 0;  // the vector says so
  auto const model = scene.rows(RowStripes::Smooth, false);
  for (std::size_t k = 0; k < expected["rows"].size(); ++k)
    expect_value(model.rows[0][expected["rows"][k].get<std::size_t>()], expected["model"][k],
                 expected["rows"][k].dump());
}

TEST(SingleTileStripes, MedianFiltersOfColumnsAreThoseOfTheRowsOfTheTurnedImage) {
  RowMedianScene const scene;
  std::vector<double> turned(scene.image.size());
  std::vector<std::uint8_t> turned_mask(scene.mask.size());
  for (std::size_t y = 0; y < Side; ++y)
    for (std::size_t x = 0; x < Side; ++x) {
      turned[x * Side + y] = scene.image[y * Side + x];
      turned_mask[x * Side + y] = scene.mask[y * Side + x];
    }
  auto const rows = kernels::measure_row_stripes(RowStripes::MedianFilter, std::span<double const>(turned), turned_mask,
                                                 Side, Side, RowMedianScene::options(false))
                        .rows[0];
  auto const columns = scene.columns(ColumnStripes::MedianFilter);
  double const level = columns[0] - rows[0];
  for (std::size_t x = 0; x < Side; ++x) EXPECT_NEAR(columns[x], rows[x] + level, 1e-12);
  auto sorted = columns;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_NEAR((sorted[31] + sorted[32]) / 2, 0, 1e-15);
}

TEST(SingleTileStripes, AreFoundWhereTheyAreAllThereIs) {
  constexpr std::int64_t nx = 40, ny = 300;
  test::VectorNoise random(3);
  std::vector<std::vector<double>> truth(2, std::vector<double>(ny, 0.0));  // rows by themselves: the median is 0
  for (std::size_t a = 0; a < 2; ++a)
    for (std::size_t y = 4 + a; y < ny; y += 9) truth[a][y] = random.deviate();
  std::vector<float> image;
  for (std::size_t y = 0; y < ny; ++y)
    for (std::size_t x = 0; x < nx; ++x) image.push_back(static_cast<float>(truth[x / 20][y]));
  std::vector<std::uint8_t> const mask(image.size(), 0);
  kernels::SingleTileOptions options;
  options.bounds = {0, 20, 40};
  for (auto const method : {RowStripes::MedianFilter, RowStripes::RowMedian, RowStripes::Remstripe}) {
    auto const model = kernels::measure_row_stripes(method, std::span<float const>(image), mask, nx, ny, options);
    for (std::size_t a = 0; a < 2; ++a)
      for (std::size_t y = 0; y < ny; ++y) ASSERT_NEAR(model.rows[a][y], truth[a][y], 1e-6) << y;
  }
}

TEST(SingleTileStripes, LeaveASlopeAlone) {
  constexpr std::int64_t nx = 32, ny = 200;
  std::vector<double> image;
  for (int y = 0; y < ny; ++y)
    for (int x = 0; x < nx; ++x) image.push_back(0.01 * y + 0.02 * x);
  std::vector<std::uint8_t> const mask(image.size(), 0);
  kernels::SingleTileOptions options;
  options.bounds = {0, 8, 16, 24, 32};
  auto const model =
      kernels::measure_row_stripes(RowStripes::MedianFilter, std::span<double const>(image), mask, nx, ny, options);
  for (auto const& rows : model.rows)
    for (std::size_t y = 64; y < ny - 64; ++y) EXPECT_NEAR(rows[y], 0, 1e-12) << "a running median keeps a slope";
}

TEST(SingleTileStripes, AreZeroOrUnknownWithoutData) {
  std::vector<float> const image(64 * 32, NAN);
  std::vector<std::uint8_t> const mask(image.size(), 0);
  kernels::SingleTileOptions options;
  options.bounds = {0, 32, 64};
  std::span<float const> const nothing(image);
  auto const rows = kernels::measure_row_stripes(RowStripes::MedianFilter, nothing, mask, 64, 32, options).rows[1];
  for (double const value : rows) EXPECT_EQ(value, 0);
  auto const columns = kernels::measure_column_stripes(ColumnStripes::RowMedian, nothing, mask, 64, 32, options);
  for (double const value : columns) EXPECT_TRUE(std::isnan(value));
}

TEST(SingleTileStripes, MethodsHaveNames) {
  EXPECT_EQ(kernels::parse_row_stripes("smooth"), RowStripes::Smooth);
  EXPECT_EQ(kernels::parse_column_stripes("median_filter"), ColumnStripes::MedianFilter);
  EXPECT_THROW(kernels::parse_row_stripes("pca"), ConfigError);
  EXPECT_THROW(kernels::parse_column_stripes("smooth"), ConfigError);
}

}  // namespace
}  // namespace tessera
