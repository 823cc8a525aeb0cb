// The parts of the global alignment: chance, the search for a shift, chains, loops.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "../../../src/exchange/global_alignment/adjustment.hpp"
#include "../../../src/exchange/global_alignment/pair_graph.hpp"
#include "../../../src/exchange/global_alignment/shift_search.hpp"

namespace tessera::exchange {
namespace {

TEST(Log10PoissonTail, IsTheProbabilityOfAtLeastAsMany) {
  // P(N >= k) summed by hand from exp(-m) m^j / j!.
  EXPECT_NEAR(log10_poisson_tail(1, 0.5), std::log10(1 - std::exp(-0.5)), 1e-12);
  EXPECT_NEAR(log10_poisson_tail(3, 1.0), std::log10(1 - std::exp(-1.0) * 2.5), 1e-12);
  EXPECT_NEAR(log10_poisson_tail(5, 2.0), std::log10(1 - std::exp(-2.0) * 7), 1e-12);
  EXPECT_NEAR(log10_poisson_tail(3, 1e-4), std::log10(1e-12 / 6), 1e-4);
  EXPECT_EQ(log10_poisson_tail(2, 2.5), 0);
  EXPECT_LT(log10_poisson_tail(1000, 100), -500);
}

TEST(SearchShift, FindsTheDensestPlaceAndItsRival) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> anywhere(-2, 2);
  std::normal_distribution<double> near(0, 0.01);
  std::vector<PlanePosition> differences;
  for (int k = 0; k < 2000; ++k) differences.push_back({anywhere(random), anywhere(random)});
  for (int k = 0; k < 60; ++k) differences.push_back({0.53 + near(random), -1.21 + near(random)});
  for (int k = 0; k < 30; ++k) differences.push_back({-0.8 + near(random), 0.4 + near(random)});
  auto const search = search_shift(differences, 2, 0.1, 0);
  EXPECT_NEAR(search.best.shift.x, 0.53, 0.01);
  EXPECT_NEAR(search.best.shift.y, -1.21, 0.01);
  EXPECT_NEAR(search.rival.shift.x, -0.8, 0.11);
  EXPECT_NEAR(search.best.expected, 2000.0 / 16 * 0.04, 2.5);
  EXPECT_LT(search.best.log10_chance, search.rival.log10_chance);
  EXPECT_LT(search.rival.log10_chance, -6);
}

TEST(SearchShift, CallsAccidentsAccidents) {
  int found = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    std::uniform_real_distribution<double> anywhere(-2, 2);
    std::vector<PlanePosition> differences;
    for (unsigned k = 0; k < 10 + 10 * seed; ++k) differences.push_back({anywhere(random), anywhere(random)});
    auto const search = search_shift(differences, 2, 0.1, 0);
    found += search.best.log10_chance + std::log10(search.places) < -2;
  }
  EXPECT_LE(found, 6);  // one of a hundred, and windows overlap
}

TEST(LinkPoints, DropsChainsWithTwoPointsOfAnOwner) {
  std::vector<PlanePosition> const points{{0, 0}, {0.01, 0}, {5, 5}, {5.01, 5}, {5.02, 5}, {9, 9}};
  std::vector<int> const owners{1, 2, 1, 2, 1, 3};
  auto const chains = link_points(points, owners, 0.015);
  ASSERT_EQ(chains.size(), 2u);
  EXPECT_EQ(chains[0], (std::vector<int>{0, 1}));
  EXPECT_EQ(chains[1], (std::vector<int>{5}));
}

TEST(PlaneGrid, FindsWhatAPlainSearchFinds) {
  std::mt19937_64 random(4);
  std::uniform_real_distribution<double> anywhere(-3, 3);
  std::vector<PlanePosition> points;
  for (int k = 0; k < 500; ++k) points.push_back({anywhere(random), anywhere(random)});
  PlaneGrid const grid(points, 0.2);
  for (double const radius : {0.05, 0.2, 1.7})
    for (int trial = 0; trial < 50; ++trial) {
      PlanePosition const at{1.3 * anywhere(random), 1.3 * anywhere(random)};
      int count = 0, nearest = -1;
      for (std::size_t k = 0; k < points.size(); ++k) {
        if (distance2(at, points[k]) > radius * radius) continue;
        ++count;
        if (nearest < 0 || distance2(at, points[k]) < distance2(at, points[static_cast<std::size_t>(nearest)]))
          nearest = static_cast<int>(k);
      }
      EXPECT_EQ(grid.count_near(at, radius), count);
      EXPECT_EQ(grid.nearest(at, radius), nearest);
    }
}

/// Groups in a row at the equator, and pairs between them with given shifts.
class PairsInARow : public testing::Test {
 protected:
  static constexpr double Step = 100;  // arcsec
  static Adjustment make(int groups) {
    std::vector<sky::TangentAxes> planes;
    for (int k = 0; k < groups; ++k) planes.push_back(sky::tangent_axes({50 + k * Step / 3600, 0}));
    return {planes, std::vector<DetectorAxes>(1), 0, {true, 3.5e-4, 0}};
  }
  /// Shifts of the groups are errors[k]; `extra` is what this pair says too much.
  static PairEdge pair(int first, int second, std::vector<double> const& errors, double extra, double log10_chance) {
    PairEdge edge;
    edge.first = first;
    edge.second = second;
    edge.is_used = true;
    edge.place_variance = 1e-4;
    edge.fit.log10_chance = log10_chance;
    auto const axes = sky::tangent_axes({50 + 0.5 * (first + second) * Step / 3600, 0});
    for (std::size_t k = 0; k < 4; ++k) {
      PlanePosition const at{k < 2 ? 20.0 - 40.0 * static_cast<double>(k) : 0,
                             k < 2 ? 0 : 20.0 - 40.0 * static_cast<double>(k - 2)};
      edge.places[k] = {from_plane(axes, {at.x, at.y + errors[static_cast<std::size_t>(first)] + extra}),
                        from_plane(axes, {at.x, at.y + errors[static_cast<std::size_t>(second)]})};
    }
    return edge;
  }
};

TEST_F(PairsInARow, AgreeWhenNothingIsWrong) {
  std::vector<double> const errors{0.1, -0.2, 0.15, 0.05};
  std::vector<PairEdge> edges;
  for (auto const& [a, b] : {std::pair{0, 1}, {1, 2}, {2, 3}, {0, 2}, {1, 3}})
    edges.push_back(pair(a, b, errors, 0, -20));
  auto adjustment = make(4);
  drop_contradictions(edges, adjustment);
  for (auto const& edge : edges) EXPECT_TRUE(edge.is_used);
  for (std::size_t k = 1; k < 4; ++k)
    EXPECT_NEAR(adjustment.groups[k].y - adjustment.groups[0].y, errors[0] - errors[k], 1e-4);
}

TEST_F(PairsInARow, LoseTheOneThatContradictsTheLoop) {
  std::vector<double> const errors{0.1, -0.2, 0.15, 0.05};
  std::vector<PairEdge> edges;
  for (auto const& [a, b] : {std::pair{0, 1}, {1, 2}, {2, 3}, {0, 2}, {1, 3}, {0, 3}})
    edges.push_back(pair(a, b, errors, a == 0 && b == 2 ? 0.6 : 0, -20));
  auto adjustment = make(4);
  drop_contradictions(edges, adjustment);
  for (auto const& edge : edges) EXPECT_EQ(edge.contradicts, edge.first == 0 && edge.second == 2);
  EXPECT_NEAR(edges[3].misfit, 0.6, 0.05);
  for (std::size_t k = 1; k < 4; ++k)
    EXPECT_NEAR(adjustment.groups[k].y - adjustment.groups[0].y, errors[0] - errors[k], 1e-4);
}

TEST_F(PairsInARow, OfATriangleLoseTheLeastSignificant) {
  std::vector<double> const errors{0, 0.1, -0.1};
  std::vector<PairEdge> edges{pair(0, 1, errors, 0, -30), pair(1, 2, errors, 0, -25), pair(0, 2, errors, 0.8, -9)};
  auto adjustment = make(3);
  drop_contradictions(edges, adjustment);
  EXPECT_TRUE(edges[0].is_used);
  EXPECT_TRUE(edges[1].is_used);
  EXPECT_TRUE(edges[2].contradicts);
}

TEST(FindIslands, JoinsThroughTheDatum) {
  std::vector<PairEdge> edges(4);
  edges[0].first = 0, edges[0].second = 1;
  edges[1].first = 2, edges[1].second = TheDatum;
  edges[2].first = 3, edges[2].second = TheDatum;
  edges[3].first = 1, edges[3].second = 2;
  for (std::size_t k = 0; k < 3; ++k) edges[k].is_used = true;
  auto const islands = find_islands(edges, 5);
  EXPECT_EQ(islands.of_group, (std::vector<int>{0, 0, 1, 1, -1}));
  EXPECT_EQ(islands.has_datum, (std::vector<bool>{false, true}));
}

TEST(Adjustment, StatesTheCovarianceThatRepeatedNoiseHas) {
  // Two groups with 30 stars in common, many times with new noise: scatter of the difference against the covariance.
  auto const plane = sky::tangent_axes({10, 20});
  double const sigma = 0.01;
  std::mt19937_64 random(9);
  std::normal_distribution<double> noise(0, sigma);
  std::uniform_real_distribution<double> anywhere(-50, 50);
  std::vector<PlanePosition> stars;
  for (int k = 0; k < 30; ++k) stars.push_back({anywhere(random), anywhere(random)});
  double sum2 = 0, stated = 0;
  int const times = 400;
  for (int trial = 0; trial < times; ++trial) {
    Adjustment adjustment({plane, plane}, std::vector<DetectorAxes>(2), 0, {true, 0.01, 0});
    StarChains chains;
    for (auto const& star : stars) {
      for (int group = 0; group < 2; ++group)
        chains.members.push_back(
            {from_plane(plane, {star.x + noise(random), star.y + noise(random)}), group, group, sigma * sigma});
      chains.close();
    }
    std::vector<double> const weights(chains.members.size(), 1 / (sigma * sigma));
    adjustment.improve(chains, weights);
    adjustment.improve(chains, weights, Adjustment::Covariance::Make);
    sum2 += std::pow(adjustment.groups[0].x - adjustment.groups[1].x, 2);
    auto const& c = adjustment.covariance();
    stated = c[0] + c[3 * 6 + 3] - 2 * c[3];
  }
  EXPECT_NEAR(std::sqrt(sum2 / times / stated), 1, 0.1);
  EXPECT_NEAR(stated, 2 * sigma * sigma / 30, 0.3 * sigma * sigma / 30);  // a little more with the roll
}

TEST(Adjustment, ScalesTheErrorsOfEachKindByThemselves) {
  // Stars of the image far better than stated, those of the datum as stated: the datum's errors are not to shrink.
  auto const plane = sky::tangent_axes({10, 20});
  double const of_image = 4e-6, of_datum = 25e-6;
  StarChains chains;
  std::vector<double> weights;
  for (double const x : {-40.0, 40.0})
    for (double const y : {-30.0, 30.0}) {
      chains.members.push_back({from_plane(plane, {x, y}), 0, 0, of_image, 0});
      chains.members.push_back({from_plane(plane, {x, y}), TheDatum, TheDatum, of_datum, 2});
      chains.close();
      weights.insert(weights.end(), {1 / of_image, 1 / of_datum});
    }
  auto const variances = [&](Adjustment::KindScales const& scales) {
    Adjustment adjustment({plane}, std::vector<DetectorAxes>(1), 0, {true, 0, 0});
    adjustment.improve(chains, weights, Adjustment::Covariance::Make, scales);
    auto const& used = adjustment.free_parameters();
    EXPECT_NEAR(used[0], 3 * of_image / (of_image + of_datum), 1e-3);
    EXPECT_NEAR(used[1], 0, 1e-12);
    EXPECT_NEAR(used[2], 3 * of_datum / (of_image + of_datum), 1e-3);
    auto const& c = adjustment.covariance();
    return std::array<double, 3>{c[0], c[4], c[8]};
  };
  for (auto const& scales : {Adjustment::KindScales{1, 1, 1}, {0.1, 1, 1}, {1, 1, 4}, {0.1, 7, 2}}) {
    double const one = scales[0] * of_image + scales[2] * of_datum;  // of the difference of a star
    auto const found = variances(scales);
    EXPECT_NEAR(found[0] / (one / 4), 1, 1e-4);
    EXPECT_NEAR(found[1] / (one / 4), 1, 1e-4);
    EXPECT_NEAR(found[2] / (one / (4 * 2500)), 1, 1e-3);  // radians, at a lever of 50 arcsec
  }
}

}  // namespace
}  // namespace tessera::exchange
