// Stripes measured in one exposure: what is not there is not found, what is there is (spec 40, section 4, 3 and 4).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "../../../src/steps/single_tile_destripe/measure_tile.hpp"
#include "single_tile_parameters.hpp"
#include "support/vector_noise.hpp"

namespace tessera::steps {
namespace {

constexpr std::int64_t Side = 1024, Width = Side / 4;
constexpr double Noise = 0.075, Stripes = 0.05;
/// Error of the median of a row of an amplifier.
double const medianFloor = 1.2533 * Noise / std::sqrt(static_cast<double>(Width));

StripeLayout make_layout(std::int64_t side = Side) {
  StripeLayout layout;
  layout.nx = layout.ny = side;
  layout.bounds = {0, side / 4, side / 2, 3 * side / 4, side};
  return layout;
}

enum class Spectrum { None, White, Pink };

/// A smooth galaxy in noise, with stripes.
struct Tile {
  std::vector<float> sci, galaxy;
  std::vector<std::uint8_t> bad = std::vector<std::uint8_t>(Side * Side, 0);
  std::vector<std::vector<double>> truth;  ///< [amplifier][row]

  explicit Tile(Spectrum spectrum, double level = 0.3) : truth(4, std::vector<double>(Side, 0.0)) {
    test::VectorNoise random(31);
    for (auto& rows : truth) draw_stripes(spectrum, random, rows);
    for (std::size_t y = 0; y < Side; ++y)
      for (std::size_t x = 0; x < Side; ++x) {
        double const radius = std::hypot(static_cast<double>(x) - 600, 1.5 * (static_cast<double>(y) - 450));
        double const light = 1.5 * std::exp(-std::hypot(radius, 60.0) / 200);
        galaxy.push_back(static_cast<float>(light));
        sci.push_back(static_cast<float>(level + light + truth[x / Width][y] + Noise * random.deviate()));
      }
  }

  static void draw_stripes(Spectrum spectrum, test::VectorNoise& random, std::vector<double>& rows) {
    if (spectrum == Spectrum::None) return;
    if (spectrum == Spectrum::White) {
      for (double& row : rows) row = Stripes * random.deviate();
      return;
    }
    // 1/f: as much variance in each of some octaves, of walks that forget after so many rows
    constexpr double Memory[] = {1, 4, 16, 64, 256};
    for (double const memory : Memory) {
      double const keep = std::exp(-1 / memory), step = std::sqrt((1 - keep * keep) / 5);
      double walk = random.deviate() / std::sqrt(5.0);
      for (double& row : rows) {
        row += Stripes * walk;
        walk = keep * walk + step * random.deviate();
      }
    }
  }

  TileStripes measure(SingleTileDestripeOptions const& options) const {
    return measure_tile(sci, bad, make_layout(), options, 7);
  }
};

std::vector<double> draw(TileStripes const& stripes) {
  std::vector<double> image;
  for (std::size_t y = 0; y < Side; ++y)
    for (std::size_t x = 0; x < Side; ++x)
      image.push_back(stripes.profile.rows[x / Width][y] +
                      (stripes.profile.columns.empty() ? 0 : stripes.profile.columns[x]));
  return image;
}

double mean_of(std::vector<double> const& values) {
  double sum = 0;
  for (double const value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double rms_of(std::vector<double> const& values) {
  double squares = 0;
  for (double const value : values) squares += value * value;
  return std::sqrt(squares / static_cast<double>(values.size()));
}

double correlation(std::vector<double> const& a, std::vector<float> const& b) {
  double const mean_a = mean_of(a), mean_b = mean_of({b.begin(), b.end()});
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    double const da = a[k] - mean_a, db = static_cast<double>(b[k]) - mean_b;
    ab += da * db;
    aa += da * da;
    bb += db * db;
  }
  return ab / std::sqrt(aa * bb);
}

/// Truth less model at a scale: means over so many rows less those over twice as many (jobs/validate/score_stripes.py).
double rms_at_scale(Tile const& tile, TileStripes const& stripes, std::size_t rows) {
  std::vector<double> left;
  for (std::size_t a = 0; a < 4; ++a) {
    auto const mean = [&](std::size_t y, std::size_t count) {
      double sum = 0;
      auto const y0 = y / count * count;
      for (auto k = y0; k < y0 + count; ++k) sum += tile.truth[a][k] - stripes.profile.rows[a][k];
      return sum / static_cast<double>(count);
    };
    for (std::size_t y = 0; y < Side; ++y) left.push_back(mean(y, rows) - mean(y, 2 * rows));
  }
  return rms_of(left);
}

/// Truth less model, without what is constant over blocks of 64 rows.
std::vector<double> fine_residual(Tile const& tile, TileStripes const& stripes) {
  std::vector<double> fine;
  for (std::size_t a = 0; a < 4; ++a)
    for (std::size_t y0 = 0; y0 < Side; y0 += 64) {
      double mean = 0;
      for (std::size_t y = y0; y < y0 + 64; ++y) mean += (tile.truth[a][y] - stripes.profile.rows[a][y]) / 64;
      for (std::size_t y = y0; y < y0 + 64; ++y) fine.push_back(tile.truth[a][y] - stripes.profile.rows[a][y] - mean);
    }
  return fine;
}

TEST(SingleTileDestripe, FindsNothingWhereNothingIs) {
  Tile const tile(Spectrum::None);
  auto const model = draw(tile.measure(tried_options()));
  RecordProperty("rms_in_floors", std::to_string(rms_of(model) / medianFloor));
  RecordProperty("correlation", std::to_string(correlation(model, tile.galaxy)));
  EXPECT_LT(rms_of(model), 2 * medianFloor);
  EXPECT_LT(std::abs(correlation(model, tile.galaxy)), 0.05);
  auto without_columns = tried_options();
  without_columns.vertical = false;
  EXPECT_LT(rms_of(draw(tile.measure(without_columns))), 2 * medianFloor);
}

TEST(SingleTileDestripe, FindsTheScalesBelow64Rows) {
  for (auto const spectrum : {Spectrum::White, Spectrum::Pink}) {
    Tile const tile(spectrum);
    auto const stripes = tile.measure(tried_options());
    for (std::size_t rows = 1; rows < 64; rows *= 2)
      EXPECT_LT(rms_at_scale(tile, stripes, rows), 1.5 * medianFloor)
          << (spectrum == Spectrum::White ? "white, " : "1/f, ") << rows;
    EXPECT_GT(rms_at_scale(tile, TileStripes{{}, make_profile(make_layout()), {}}, 1), 2 * medianFloor)
        << "what there was";
  }
}

TEST(SingleTileDestripe, DoesNotCareForTheLevelOfTheSky) {
  Tile const low(Spectrum::Pink, 0), high(Spectrum::Pink, 20);
  auto const a = low.measure(tried_options()).profile.rows, b = high.measure(tried_options()).profile.rows;
  double worst = 0;
  for (std::size_t k = 0; k < a.size(); ++k)
    for (std::size_t y = 0; y < a[k].size(); ++y) worst = std::max(worst, std::abs(a[k][y] - b[k][y]));
  EXPECT_LT(worst, 0.2 * medianFloor);
}

TEST(SingleTileDestripe, EveryMethodFindsWhiteStripes) {
  Tile const tile(Spectrum::White);
  for (auto const method : {kernels::RowStripes::RowMedian, kernels::RowStripes::Remstripe, kernels::RowStripes::Smooth,
                            kernels::RowStripes::MedianFilter})
    for (auto const columns : {kernels::ColumnStripes::RowMedian, kernels::ColumnStripes::MedianFilter}) {
      auto options = tried_options();
      options.rows = method;
      options.columns = columns;
      EXPECT_LT(rms_of(fine_residual(tile, tile.measure(options))), 1.5 * medianFloor);
    }
}

TEST(SingleTileDestripe, TakesColumnsToo) {
  Tile tile(Spectrum::White);
  test::VectorNoise random(77);
  std::vector<double> columns;
  for (std::size_t x = 0; x < Side; ++x) columns.push_back(0.03 * random.deviate());
  for (std::size_t k = 0; k < tile.sci.size(); ++k) tile.sci[k] += static_cast<float>(columns[k % Side]);
  auto const stripes = tile.measure(tried_options());
  ASSERT_EQ(stripes.profile.columns.size(), static_cast<std::size_t>(Side));
  std::vector<double> left;
  for (std::size_t x0 = 0; x0 < Side; x0 += 64) {
    double mean = 0;
    for (std::size_t x = x0; x < x0 + 64; ++x) mean += (columns[x] - stripes.profile.columns[x]) / 64;
    for (std::size_t x = x0; x < x0 + 64; ++x) left.push_back(columns[x] - stripes.profile.columns[x] - mean);
  }
  double const whiteRows = 1.2533 * std::hypot(Noise, Stripes) / std::sqrt(static_cast<double>(Side));
  EXPECT_LT(rms_of(left), 1.5 * whiteRows) << "with the rows as noise";
  EXPECT_LT(rms_of(fine_residual(tile, stripes)), 1.5 * medianFloor);
}

TEST(SingleTileDestripe, LevelsAmplifiersWhereColumnsAreNotMeasured) {
  Tile tile(Spectrum::White);
  double const offsets[] = {0, 0.4, -0.2, 0.7};
  for (std::size_t k = 0; k < tile.sci.size(); ++k)
    tile.sci[k] += static_cast<float>(offsets[(k % Side) / static_cast<std::size_t>(Width)]);
  auto options = tried_options();
  options.vertical = false;
  auto const stripes = tile.measure(options);
  ASSERT_EQ(stripes.added_levels.size(), 4u);
  for (std::size_t a = 0; a < 4; ++a) EXPECT_NEAR(stripes.added_levels[a], -offsets[a], 0.02);
  EXPECT_LT(rms_of(fine_residual(tile, stripes)), 1.5 * medianFloor);
  EXPECT_TRUE(stripes.profile.columns.empty());
}

TEST(SingleTileDestripe, TakesTheWholeRowWhereAnAmplifierIsMasked) {
  Tile tile(Spectrum::None);
  for (std::size_t y = 0; y < Side; ++y)
    for (std::size_t x = 0; x < Side; ++x) {
      tile.sci[y * Side + x] += y % 20 == 7 ? 0.1f : 0.f;  // common to all amplifiers
      tile.bad[y * Side + x] |= x >= 512 && x < 740;       // nine tenths of the third
    }
  auto const rows = tile.measure(tried_options()).profile.rows;
  for (std::size_t y = 107; y < Side - 100; y += 20)
    EXPECT_NEAR(rows[2][y], 0.1, 6 * medianFloor) << y << ": from 768 columns, less what the filter takes";
}

TEST(SingleTileDestripe, LeavesTheReferencePixelsAndMeasuresWithoutThem) {
  Tile tile(Spectrum::White);
  for (std::size_t y = 0; y < Side; ++y)
    for (std::size_t x = 0; x < Side; ++x)
      if (y < 4 || x < 4 || y >= Side - 4 || x >= Side - 4) tile.sci[y * Side + x] = 1000;  // not flagged
  auto layout = make_layout();
  layout.reference_pixels = 4;
  layout = without_reference_pixels(layout);
  EXPECT_EQ(layout.bounds, (std::vector<std::int64_t>{4, 256, 512, 768, 1020}));
  auto const stripes = measure_tile(tile.sci, tile.bad, layout, tried_options(), 7);
  for (auto const& rows : stripes.profile.rows)
    for (std::size_t y : {0, 3, 1020, 1023}) EXPECT_EQ(rows[y], 0);
  EXPECT_EQ(stripes.profile.columns[3], 0);
  double squares = 0;
  for (std::size_t y = 4; y < 1020; ++y) squares += std::pow(tile.truth[0][y] - stripes.profile.rows[0][y], 2);
  EXPECT_LT(std::sqrt(squares / 1016), 3 * medianFloor);
  auto const entries = make_entries(stripes.profile, layout);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(std::get<model::StripeCorrection>(entries[0].correction).bounds, layout.bounds);
  EXPECT_EQ(std::get<model::StripeCorrection>(entries[1].correction).bounds, (std::vector<std::int64_t>{4, 1020}));
}

TEST(SingleTileDestripe, MeasuresMiriWithoutItsCoronagraphs) {
  Tile tile(Spectrum::None);
  StripeLayout layout;
  layout.nx = layout.ny = Side;
  layout.bounds = {0, Side};
  layout.first_column = 300;
  std::vector<double> truth;
  test::VectorNoise random(5);
  for (std::size_t y = 0; y < Side; ++y) {
    truth.push_back(Stripes * random.deviate());
    for (std::size_t x = 0; x < Side; ++x)
      tile.sci[y * Side + x] += static_cast<float>(truth.back() + (x < 300 ? 5 * std::sin(static_cast<double>(y)) : 0));
  }
  auto const stripes = measure_tile(tile.sci, tile.bad, layout, tried_options(), 7);
  ASSERT_EQ(stripes.profile.rows.size(), 1u);
  std::vector<double> steps;  // from row to row: what is left at the finest scale
  for (std::size_t y = 1; y < Side; ++y)
    steps.push_back(truth[y] - stripes.profile.rows[0][y] - truth[y - 1] + stripes.profile.rows[0][y - 1]);
  EXPECT_LT(rms_of(steps), 1.5 * std::sqrt(2.0) * 1.2533 * Noise / std::sqrt(static_cast<double>(Side - 300)));
  EXPECT_EQ(stripes.profile.columns[299], 0);
}

}  // namespace
}  // namespace tessera::steps
