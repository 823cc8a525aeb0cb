// Fits of one list to another against align_cases.json, and recovery of what was put in.
#include "tessera/kernels/fit_positions.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "support/test_files.hpp"
#include "tessera/core/error.hpp"

namespace tessera::kernels {
namespace {

/// The pairs of match_and_fit, in the reference's order.
struct VectorPairs {
  std::vector<PlanePosition> image, reference;
};

VectorPairs read_pairs(nlohmann::json const& one) {
  VectorPairs pairs;
  for (std::size_t k : one.at("expected").at("matched_img_index"))
    pairs.image.push_back({one.at("img_xy").at(k).at(0), one.at("img_xy").at(k).at(1)});
  for (std::size_t k : one.at("expected").at("matched_ref_index"))
    pairs.reference.push_back({one.at("ref_xy").at(k).at(0), one.at("ref_xy").at(k).at(1)});
  return pairs;
}

void expect_fit(PositionFit const& fit, nlohmann::json const& expected) {
  for (std::size_t row = 0; row < 2; ++row) {
    for (std::size_t column = 0; column < 2; ++column)
      EXPECT_NEAR(fit.matrix[row][column], expected.at("matrix").at(row).at(column), 1e-10);
    EXPECT_NEAR(fit.center[row], expected.at("center").at(row), 1e-9);
    double const about_centre =
        fit.shift[row] - fit.center[row] + fit.matrix[row][0] * fit.center[0] + fit.matrix[row][1] * fit.center[1];
    EXPECT_NEAR(about_centre, expected.at("shift_about_center").at(row), 1e-9);
  }
  EXPECT_NEAR(fit.rmse, expected.at("rmse"), 1e-9);
  std::vector<bool> used;
  for (int const flag : expected.at("fitmask")) used.push_back(flag != 0);
  EXPECT_EQ(fit.used, used);
}

TEST(FitPositions, AgreesWithTheReferenceForAllGeometries) {
  auto const vector = test::read_vector("align_cases.json");
  auto const& one = vector.at("match_and_fit");
  auto const pairs = read_pairs(one);
  int cases = 0;
  for (auto const& [name, expected] : one.at("expected").at("fits").items()) {
    SCOPED_TRACE(name);
    FitOptions options;
    options.geometry = parse_fit_geometry(name.substr(0, name.find("_nclip")));
    options.nclip = std::stoi(name.substr(name.find("_nclip") + 6));
    auto const fit = fit_positions(pairs.image, pairs.reference, {}, options);
    ASSERT_TRUE(fit);
    expect_fit(*fit, expected);
    EXPECT_NEAR(fit->shift[0], expected.at("shift_origin").at(0), 1e-9);
    EXPECT_NEAR(fit->shift[1], expected.at("shift_origin").at(1), 1e-9);
    EXPECT_NEAR(fit->mae, expected.at("mae"), 1e-9);
    EXPECT_NEAR(fit->std, expected.at("std"), 1e-9);
    EXPECT_EQ(fit->count, expected.at("n_used"));
    ++cases;
  }
  EXPECT_EQ(cases, 8);
}

TEST(FitPositions, AgreesWithTheReferenceWithWeights) {
  auto const vector = test::read_vector("align_cases.json");
  auto const pairs = read_pairs(vector.at("match_and_fit"));
  auto const& one = vector.at("weighted_rscale");
  auto const a = one.at("w_img").get<std::vector<double>>(), b = one.at("w_ref").get<std::vector<double>>();
  std::vector<double> weights;
  for (std::size_t k = 0; k < a.size(); ++k) weights.push_back(a[k] > 0 && b[k] > 0 ? 1 / (1 / a[k] + 1 / b[k]) : 0);
  FitOptions options;
  options.geometry = FitGeometry::Rscale;
  auto const fit = fit_positions(pairs.image, pairs.reference, weights, options);
  ASSERT_TRUE(fit);
  expect_fit(*fit, one.at("expected"));
}

/// Points and where a known map takes them.
struct KnownMap {
  std::vector<PlanePosition> image, reference;
};

KnownMap map_points(std::mt19937& random, Matrix2 const& m, std::array<double, 2> const& s, std::size_t count) {
  std::uniform_real_distribution<double> place(-100, 100);
  KnownMap known;
  for (std::size_t k = 0; k < count; ++k) {
    double const u = 300 + place(random), v = -200 + place(random);  // far from the origin
    known.image.push_back({u, v});
    known.reference.push_back({m[0][0] * u + m[0][1] * v + s[0], m[1][0] * u + m[1][1] * v + s[1]});
  }
  return known;
}

TEST(FitPositions, RecoversAKnownShiftRotationAndScale) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> any(-1, 1);
  for (int trial = 0; trial < 100; ++trial) {
    double const angle = 3 * any(random), scale = 1 + 0.01 * any(random);
    double const c = std::cos(angle), s = std::sin(angle);
    std::array<double, 2> const shift{any(random), any(random)};
    struct Case {
      FitGeometry geometry;
      Matrix2 matrix;
    };
    for (auto const& one :
         {Case{FitGeometry::Shift, {{{1, 0}, {0, 1}}}}, Case{FitGeometry::Rshift, {{{c, s}, {-s, c}}}},
          Case{FitGeometry::Rscale, {{{scale * c, scale * s}, {-scale * s, scale * c}}}},
          Case{FitGeometry::General, {{{1.01, 0.02 * s}, {-0.003, 0.99 * scale}}}}}) {
      auto const known = map_points(random, one.matrix, shift, 12);
      FitOptions options;
      options.geometry = one.geometry;
      auto const fit = fit_positions(known.image, known.reference, {}, options);
      ASSERT_TRUE(fit);
      for (std::size_t row = 0; row < 2; ++row) {
        EXPECT_NEAR(fit->shift[row], shift[row], 1e-10);
        for (std::size_t column = 0; column < 2; ++column)
          EXPECT_NEAR(fit->matrix[row][column], one.matrix[row][column], 1e-12);
      }
    }
  }
}

TEST(FitPositions, FindsAMirrorImage) {
  std::mt19937 random(8);
  Matrix2 const mirror{{{0.6, 0.8}, {0.8, -0.6}}};
  auto const known = map_points(random, mirror, {1, 2}, 8);
  auto const fit = fit_positions(known.image, known.reference, {}, {});
  ASSERT_TRUE(fit);
  for (std::size_t row = 0; row < 2; ++row)
    for (std::size_t column = 0; column < 2; ++column)
      EXPECT_NEAR(fit->matrix[row][column], mirror[row][column], 1e-12);
}

TEST(FitPositions, ClipsAnOutlierAndKeepsTheRest) {
  std::mt19937 random(9);
  std::normal_distribution<double> noise(0, 0.01);
  auto known = map_points(random, {{{1, 0}, {0, 1}}}, {0.5, -0.25}, 30);
  for (auto& point : known.reference) {
    point.x += noise(random);
    point.y += noise(random);
  }
  known.reference[13].x += 0.5;
  FitOptions options;
  options.geometry = FitGeometry::Shift;
  auto const fit = fit_positions(known.image, known.reference, {}, options);
  ASSERT_TRUE(fit);
  EXPECT_FALSE(fit->used[13]);
  EXPECT_EQ(fit->count, 29);
  EXPECT_NEAR(fit->shift[0], 0.5, 0.01);
}

TEST(FitPositions, ClippingLeavesAsManyAsAreNeeded) {
  std::vector<PlanePosition> const image{{0, 0}, {10, 0}, {0, 10}, {10, 10}};
  std::vector<PlanePosition> const reference{{0.01, 0}, {10, 0.01}, {0, 9.99}, {11, 10}};
  FitOptions options;
  options.geometry = FitGeometry::Shift;
  options.sigma = 1.5;
  options.minobj = 4;
  EXPECT_EQ(fit_positions(image, reference, {}, options)->count, 4);
  options.minobj = 3;
  EXPECT_EQ(fit_positions(image, reference, {}, options)->count, 3);
}

TEST(FitPositions, SaysNothingWhereThePairsDoNotDetermineTheFit) {
  std::vector<PlanePosition> const one_place{{3, 4}, {3, 4}, {3, 4}}, line{{0, 0}, {1, 2}, {2, 4}, {3, 6}}, none;
  EXPECT_FALSE(fit_positions(none, none, {}, {}));
  EXPECT_FALSE(fit_positions(one_place, one_place, {}, {}));
  FitOptions general;
  general.geometry = FitGeometry::General;
  EXPECT_FALSE(fit_positions(line, line, {}, general));
  std::vector<double> const no_weight(line.size(), 0.0);
  EXPECT_FALSE(fit_positions(line, line, no_weight, {}));
  FitOptions shift;
  shift.geometry = FitGeometry::Shift;
  EXPECT_TRUE(fit_positions(one_place, one_place, {}, shift));
}

TEST(FitPositions, UnknownGeometriesAreRefused) { EXPECT_THROW(parse_fit_geometry("affine"), ConfigError); }

}  // namespace
}  // namespace tessera::kernels
