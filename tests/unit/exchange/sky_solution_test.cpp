// Solutions of the sky system against the reference library (skymatch_cases.json) and their properties.
#include "tessera/exchange/sky_solution.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "support/test_files.hpp"
#include "tessera/core/error.hpp"

namespace tessera::exchange {
namespace {

using nlohmann::json;
constexpr double NaN = std::numeric_limits<double>::quiet_NaN();

std::vector<double> read_numbers(json const& list) {
  std::vector<double> values;
  for (auto const& value : list) values.push_back(value.is_null() ? NaN : value.get<double>());
  return values;
}

void expect_same(std::vector<double> const& found, std::vector<double> const& wanted, double tolerance) {
  ASSERT_EQ(found.size(), wanted.size());
  for (std::size_t k = 0; k < found.size(); ++k) {
    EXPECT_EQ(std::isnan(found[k]), std::isnan(wanted[k])) << "item " << k;
    if (std::isnan(wanted[k])) continue;
    EXPECT_NEAR(found[k], wanted[k], tolerance) << "item " << k;
  }
}

/// A mosaic of columns x rows items, each overlapping its eight neighbours, with levels of their own and noise.
std::vector<SkyOverlap> grid_of_overlaps(int columns, int rows, double noise, std::vector<double>* levels = nullptr) {
  std::mt19937 random(17);
  auto const uniform = [&] { return static_cast<double>(random()) / 4294967296.0; };
  std::vector<double> own;
  for (int k = 0; k < columns * rows; ++k) own.push_back(uniform());
  std::vector<SkyOverlap> overlaps;
  for (int y = 0; y < rows; ++y)
    for (int x = 0; x < columns; ++x)
      for (auto const& [dx, dy] : {std::pair{1, 0}, {0, 1}, {1, 1}, {-1, 1}}) {
        if (x + dx < 0 || x + dx >= columns || y + dy >= rows) continue;
        int const a = y * columns + x, b = (y + dy) * columns + x + dx;
        overlaps.push_back({a, b, own[static_cast<std::size_t>(a)] + noise * uniform(),
                            own[static_cast<std::size_t>(b)] + noise * uniform(), 10 + 4e5 * uniform(),
                            10 + 4e5 * uniform()});
      }
  if (levels) *levels = own;
  return overlaps;
}

TEST(SolveSkyMatch, AgreesWithTheReferenceLibrary) {
  for (auto const& one : test::read_vector("skymatch_cases.json").at("linear_system")) {
    SCOPED_TRACE(one.at("name").get<std::string>());
    auto const &sky = one.at("S_ij_sky_of_image_j_measured_in_overlap_with_i"),
               &pixels = one.at("N_ij_npix_of_image_j_in_overlap_with_i");
    int const items = static_cast<int>(sky.size());
    std::vector<SkyOverlap> overlaps;
    for (std::size_t i = 0; i < sky.size(); ++i)
      for (std::size_t j = i + 1; j < sky.size(); ++j)
        if (pixels[i][j].get<double>() > 0)
          overlaps.push_back(
              {static_cast<int>(i), static_cast<int>(j), sky[j][i], sky[i][j], pixels[j][i], pixels[i][j]});
    // 1e-10, on numbers that the file has to twelve digits
    auto const raw = read_numbers(one.at("expected_raw_minimum_norm"));
    expect_same(solve_sky_match(items, overlaps), raw, 1e-10);
    expect_same(solve_sky_match(items, overlaps, 0), raw, 1e-10);
    expect_same(choose_skies(SkyMethod::Match, true, std::vector<double>(sky.size(), 1), overlaps),
                read_numbers(one.at("expected_match_down")), 1e-10);
  }
}

TEST(SolveSkyMatch, DenseAndSparseSolutionsAreTheSame) {
  for (int const size : {2, 5, 12}) {
    auto const overlaps = grid_of_overlaps(size, size, 0.01);
    auto const dense = solve_sky_match(size * size, overlaps, 1000), sparse = solve_sky_match(size * size, overlaps, 0);
    expect_same(sparse, dense, 1e-10);
  }
}

/// A ring of items whose differences do not close: what is missing goes to each overlap by the inverse square of its
/// weight.
TEST(SolveSkyMatch, SharesTheMisclosureOfARingByWeightsOfAnyRatio) {
  int const count = 80;
  std::vector<SkyOverlap> ring;
  long double missing = 0, compliance = 0;
  for (int k = 0; k < count; ++k) {
    double const pixels = k % 2 == 0 ? 1 : 4e6, difference = 0.1 + 0.01 * (k % 7) - (k == 40 ? 9.0 : 0.0);
    ring.push_back({k, (k + 1) % count, difference, 0, pixels, pixels});
    missing += static_cast<long double>(difference);
    compliance += 1 / (static_cast<long double>(pixels) * pixels);
  }
  std::vector<long double> wanted{0};
  long double mean = 0;
  for (int k = 0; k + 1 < count; ++k) {
    long double const pixels = ring[static_cast<std::size_t>(k)].pixels_first;
    wanted.push_back(wanted.back() - (static_cast<long double>(ring[static_cast<std::size_t>(k)].sky_first) -
                                      missing / (pixels * pixels * compliance)));
    mean += wanted.back() / count;
  }
  auto const sparse = solve_sky_match(count, ring, 0);
  for (std::size_t k = 0; k < sparse.size(); ++k)
    EXPECT_NEAR(sparse[k], static_cast<double>(wanted[k] - mean), 1e-10) << "item " << k;
}

TEST(SolveSkyMatch, FindsTheLevelsOfThousandsUpToAConstant) {
  std::vector<double> levels;
  auto const overlaps = grid_of_overlaps(70, 60, 0, &levels);
  auto const sky = solve_sky_match(70 * 60, overlaps);
  double mean = 0, sum = 0;
  for (std::size_t k = 0; k < levels.size(); ++k) {
    mean += levels[k] / static_cast<double>(levels.size());
    sum += sky[k];
  }
  EXPECT_NEAR(sum, 0, 1e-8);
  for (std::size_t k = 0; k < levels.size(); ++k) ASSERT_NEAR(sky[k], levels[k] - mean, 1e-10);
}

TEST(SolveSkyMatch, MinimisesTheSquaresOfWeightedResiduals) {
  auto const overlaps = grid_of_overlaps(4, 4, 0.2);
  auto const sky = solve_sky_match(16, overlaps);
  auto const cost = [&](std::vector<double> const& at) {
    double sum = 0;
    for (auto const& o : overlaps) {
      double const weight = (o.pixels_first + o.pixels_second) / 2;
      double const residual = weight * (at[static_cast<std::size_t>(o.first)] - at[static_cast<std::size_t>(o.second)] -
                                        (o.sky_first - o.sky_second));
      sum += residual * residual;
    }
    return sum;
  };
  for (std::size_t k = 0; k < sky.size(); ++k)
    for (double const step : {1e-3, -1e-3}) {
      auto moved = sky;
      moved[k] += step;
      EXPECT_GT(cost(moved), cost(sky));
    }
}

TEST(SolveSkyMatch, ItemsWithoutOverlapsHaveNoValue) {
  expect_same(solve_sky_match(3, {}), {NaN, NaN, NaN}, 0);
  EXPECT_TRUE(solve_sky_match(0, {}).empty());
  std::vector<SkyOverlap> const one{{1, 2, 3.0, 1.0, 10, 10}};
  expect_same(solve_sky_match(3, one), {NaN, 1, -1}, 1e-12);
}

TEST(ChooseSkies, FollowsTheMethod) {
  std::vector<double> const levels{5, 4, 3, NaN};
  std::vector<SkyOverlap> const overlaps{{0, 1, 5.5, 4.25, 10, 10}};
  expect_same(choose_skies(SkyMethod::Local, true, levels, overlaps), {5, 4, 3, NaN}, 0);
  expect_same(choose_skies(SkyMethod::Global, true, levels, overlaps), {3, 3, 3, 3}, 0);
  expect_same(choose_skies(SkyMethod::Match, true, levels, overlaps), {1.25, 0, NaN, NaN}, 1e-12);
  expect_same(choose_skies(SkyMethod::Match, false, levels, overlaps), {0, -1.25, NaN, NaN}, 1e-12);
  expect_same(choose_skies(SkyMethod::GlobalMatch, true, levels, overlaps), {4.25, 3, 3, 3}, 1e-12);
  expect_same(choose_skies(SkyMethod::Global, true, std::vector<double>{NaN, NaN}, {}), {NaN, NaN}, 0);
}

TEST(ConnectItems, NumbersIslandsByTheirFirstItem) {
  std::vector<SkyOverlap> const overlaps{{4, 1, 0, 0, 1, 1}, {1, 3, 0, 0, 1, 1}, {2, 5, 0, 0, 1, 1}};
  EXPECT_EQ(connect_items(7, overlaps), (std::vector<int>{0, 1, 2, 1, 1, 2, 3}));
}

TEST(ParseSkyMethod, NamesTheMethodsThereAre) {
  EXPECT_EQ(parse_sky_method("global+match"), SkyMethod::GlobalMatch);
  EXPECT_THROW(parse_sky_method("Global"), ConfigError);
}

}  // namespace
}  // namespace tessera::exchange
