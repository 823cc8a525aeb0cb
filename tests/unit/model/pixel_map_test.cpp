#include "tessera/model/pixel_map.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace tessera::model {
namespace {

/// Random coefficients of falling size, one patch after the other.
PixelMap random_map(std::int64_t nx, std::int64_t ny, int degree, unsigned seed) {
  PixelMap map;
  map.nx = nx;
  map.ny = ny;
  map.valid = {0, 0, nx, ny};
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(-1, 1);
  map.patches.resize(static_cast<std::size_t>(map.patch_columns() * map.patch_rows()));
  for (auto& patch : map.patches) {
    patch.degree = degree;
    for (auto* series : {&patch.x, &patch.y})
      for (int j = 0; j <= degree; ++j)
        for (int i = 0; i <= degree; ++i) series->push_back(1000 * uniform(random) * std::pow(0.1, i + j));
  }
  return map;
}

/// Straight from the definition in the header.
double by_definition(PixelMap const& map, std::vector<double> PixelMap::Patch::*series, std::int64_t x,
                     std::int64_t y) {
  auto const& patch = map.patches[static_cast<std::size_t>((y / 128) * map.patch_columns() + x / 128)];
  double const u = (2.0 * static_cast<double>(x % 128) + 1) / 128 - 1,
               v = (2.0 * static_cast<double>(y % 128) + 1) / 128 - 1;
  long double sum = 0;
  for (int j = 0; j <= patch.degree; ++j)
    for (int i = 0; i <= patch.degree; ++i)
      sum += static_cast<long double>((patch.*series)[static_cast<std::size_t>(j * (patch.degree + 1) + i)]) *
             std::cos(i * std::acos(static_cast<long double>(u))) *
             std::cos(j * std::acos(static_cast<long double>(v)));
  return static_cast<double>(sum);
}

TEST(PixelMap, EvaluatesTheChebyshevSeriesOfEveryDegree) {
  for (int degree = 0; degree <= PixelMap::MaxDegree; ++degree) {
    auto const map = random_map(300, 140, degree, static_cast<unsigned>(degree));
    std::vector<double> X(300), Y(300);
    for (std::int64_t y : {0, 1, 127, 128, 139}) {
      map.evaluate_row(y, 0, 300, X.data(), Y.data());
      for (std::int64_t x = 0; x < 300; ++x) {
        EXPECT_NEAR(X[static_cast<std::size_t>(x)], by_definition(map, &PixelMap::Patch::x, x, y), 1e-10)
            << degree << " " << x;
        EXPECT_NEAR(Y[static_cast<std::size_t>(x)], by_definition(map, &PixelMap::Patch::y, x, y), 1e-10);
      }
    }
  }
}

TEST(PixelMap, GivesTheSameBitsForAnyPartOfARow) {
  auto const map = random_map(700, 200, 6, 7);
  std::vector<double> X(700), Y(700), x_part(700), y_part(700);
  map.evaluate_row(150, 0, 700, X.data(), Y.data());
  for (std::int64_t first = 0; first < 700; first += 13)
    for (std::int64_t last : {first + 1, first + 3, first + 130, std::int64_t{700}}) {
      if (last > 700) continue;
      map.evaluate_row(150, first, last, x_part.data(), y_part.data());
      for (std::int64_t x = first; x < last; ++x) {
        ASSERT_EQ(x_part[static_cast<std::size_t>(x - first)], X[static_cast<std::size_t>(x)]);
        ASSERT_EQ(y_part[static_cast<std::size_t>(x - first)], Y[static_cast<std::size_t>(x)]);
      }
    }
}

TEST(PixelMap, HasNoPositionOutsideTheArrayTheValidBoxAndFinitePatches) {
  auto map = random_map(300, 140, 4, 9);
  map.valid = {4, 2, 290, 139};
  map.patches[1].finite = false;
  std::vector<double> X(400, 0), Y(400, 0);
  map.evaluate_row(50, -50, 350, X.data(), Y.data());
  for (std::int64_t x = -50; x < 350; ++x) {
    bool const has_position = x >= 4 && x < 290 && !(x >= 128 && x < 256);
    EXPECT_EQ(std::isfinite(X[static_cast<std::size_t>(x + 50)]), has_position) << x;
    EXPECT_EQ(std::isfinite(Y[static_cast<std::size_t>(x + 50)]), has_position) << x;
  }
  for (std::int64_t row : {-1, 1, 139, 140, 5000}) {
    map.evaluate_row(row, 0, 300, X.data(), Y.data());
    for (std::size_t k = 0; k < 300; ++k) ASSERT_TRUE(std::isnan(X[k]) && std::isnan(Y[k])) << row;
  }
  for (auto const& [first, last] : {std::pair<int, int>{-400, -10}, {295, 600}}) {
    map.evaluate_row(50, first, last, X.data(), Y.data());
    for (int k = 0; k < last - first; ++k) ASSERT_TRUE(std::isnan(X[static_cast<std::size_t>(k)]));
  }
}

}  // namespace
}  // namespace tessera::model
