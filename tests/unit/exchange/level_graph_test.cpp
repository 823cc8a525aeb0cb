// Cuts, weights and solution against pj_level_match and pj_plane_match, and what must hold for any graph.
#include "tessera/exchange/level_graph.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "support/test_files.hpp"
#include "tessera/core/error.hpp"

namespace tessera::exchange {
namespace {

using kernels::GridPlane;

PairMeasurement pair_of(int first, int second, double delta, std::int64_t n_pix = 1000, double rms = 0.1) {
  PairMeasurement pair;
  pair.first = first;
  pair.second = second;
  pair.n_pix = n_pix;
  pair.delta = delta;
  pair.rms = rms;
  return pair;
}

LevelSolution match(std::vector<PairMeasurement> const& pairs, int images, LevelGraphOptions const& options = {},
                    Gauge const& gauge = {}) {
  return solve_levels(pairs, select_pairs(pairs, images, options), images, options, gauge);
}

std::vector<PairMeasurement> read_pairs(nlohmann::json const& list) {
  std::vector<PairMeasurement> pairs;
  for (auto const& item : list) {
    auto pair =
        pair_of(item["i"], item["j"],
                item.contains("delta_ij") ? item["delta_ij"].get<double>() : -item["median_j_minus_i"].get<double>(),
                item["npix"], item["rms"].is_number() ? item["rms"].get<double>() : 1e-15);
    pair.is_long = item["lin_ok"] == 1;
    pairs.push_back(pair);
  }
  return pairs;
}

void expect_levels(LevelSolution const& solution, nlohmann::json const& expected, double tolerance = 1e-9) {
  ASSERT_EQ(solution.correction.size(), expected.size());
  for (std::size_t k = 0; k < expected.size(); ++k)
    EXPECT_NEAR(solution.correction[k].level, expected[k].get<double>(), tolerance) << "image " << k;
}

std::vector<std::pair<int, int>> used_pairs(std::vector<PairMeasurement> const& pairs, PairSelection const& selection) {
  std::vector<std::pair<int, int>> used;
  for (std::size_t k = 0; k < pairs.size(); ++k)
    if (is_used(selection.verdict[k])) used.emplace_back(pairs[k].first, pairs[k].second);
  return used;
}

TEST(SolveLevels, MatchesPjpipe) {
  auto const vector = test::read_vector("pj_level_match.json");
  int solved = 0;
  for (char const* part : {"noisefree", "noisy", "cuts"}) {
    auto const& scene = vector[part];
    auto const pairs = read_pairs(scene["pairs"]);
    int const images = std::string(part) == "cuts" ? 6 : 4;
    for (auto const& [key, value] : scene.items()) {
      if (!key.starts_with("corr_")) continue;
      auto const weighting = key.substr(5, key.find("_ref_") - 5), reference = key.substr(key.find("_ref_") + 5);
      LevelGraphOptions const options{.weighting = parse_pair_weighting(weighting)};
      Gauge const gauge = reference == "None" ? Gauge{} : Gauge{Gauge::Kind::Image, std::stoi(reference)};
      SCOPED_TRACE(part + (" " + key));
      expect_levels(match(pairs, images, options, gauge), value["direct"]);
      ++solved;
    }
  }
  EXPECT_EQ(solved, 16);
}

TEST(SelectPairs, CutsAsPjpipe) {
  auto const vector = test::read_vector("pj_level_match.json");
  for (char const* part : {"noisy", "cuts"}) {
    auto const pairs = read_pairs(vector[part]["pairs"]);
    auto const selection = select_pairs(pairs, 6, {});
    EXPECT_EQ(used_pairs(pairs, selection), (vector[part]["used_pairs"].get<std::vector<std::pair<int, int>>>()));
  }
  auto const pairs = read_pairs(vector["cuts"]["pairs"]);
  auto const selection = select_pairs(pairs, 6, {});
  EXPECT_EQ(selection.verdict[4], PairVerdict::SmallArea);
  EXPECT_EQ(selection.verdict[6], PairVerdict::Noisy);
}

TEST(SolveLevels, GivesEveryComponentAZeroOfItsOwn) {
  auto const vector = test::read_vector("pj_level_match.json")["two_components"];
  auto const levels = vector["levels"].get<std::vector<double>>();
  std::vector<PairMeasurement> pairs;
  for (auto const& p : vector["pairs"]) {
    auto const i = p[0].get<std::size_t>(), j = p[1].get<std::size_t>();
    pairs.push_back(pair_of(static_cast<int>(i), static_cast<int>(j), levels[i] - levels[j]));
  }
  auto const solution = match(pairs, 5);
  expect_levels(solution, {-0.5, 0.5, -1.5, 1.5, 0.0}, 1e-12);
  for (std::size_t k = 0; k < 4; ++k)
    EXPECT_NEAR(solution.correction[k].level, vector["corr_recommended"][k].get<double>(), 1e-12);
  EXPECT_EQ(solution.component, (std::vector{0, 0, 1, 1, -1}));
  EXPECT_EQ(solution.isolated, 1);
  auto const referred = match(pairs, 5, {}, {Gauge::Kind::Image, 1});
  EXPECT_EQ(referred.reference, (std::vector{1, 2})) << "the other component takes its own";
  expect_levels(referred, {-1.0, 0.0, 0.0, 3.0, 0.0}, 1e-12);
}

/// The three images of pj_plane_match's mosaics.
std::vector<PairMeasurement> make_plane_pairs(std::vector<std::vector<double>> const& planes) {
  std::vector<PairMeasurement> pairs;
  for (auto const& [i, j] : {std::pair<std::size_t, std::size_t>{0, 1}, {0, 2}, {1, 2}}) {
    auto pair = pair_of(static_cast<int>(i), static_cast<int>(j), 0);
    pair.has_plane = true;
    pair.plane = {planes[i][0] - planes[j][0], planes[i][1] - planes[j][1], planes[i][2] - planes[j][2]};
    pair.delta = pair.plane.level;
    pairs.push_back(pair);
  }
  return pairs;
}

void expect_planes(LevelSolution const& solution, nlohmann::json const& expected) {
  for (std::size_t k = 0; k < expected.size(); ++k) {
    EXPECT_NEAR(solution.correction[k].slope_x, expected[k][0].get<double>(), 1e-12);
    EXPECT_NEAR(solution.correction[k].slope_y, expected[k][1].get<double>(), 1e-12);
    EXPECT_NEAR(solution.correction[k].level, expected[k][2].get<double>(), 1e-11);
  }
}

TEST(SolveLevels, MatchesPlanesOfPjpipe) {
  auto const vector = test::read_vector("pj_plane_match.json");
  auto const planes = vector["mosaic_exact"]["planes"].get<std::vector<std::vector<double>>>();
  auto pairs = make_plane_pairs(planes);
  LevelGraphOptions const options{.with_slope = true};
  expect_planes(match(pairs, 3, options, {Gauge::Kind::Image, 0}), vector["mosaic_exact"]["ref0"]);
  expect_planes(match(pairs, 3, options), vector["mosaic_exact"]["ref_none"]);

  auto const& perturbed = vector["mosaic_inconsistent"];
  auto const by = perturbed["delta_01_perturbed_by"].get<std::vector<double>>();
  pairs[0].plane = {pairs[0].plane.slope_x + by[0], pairs[0].plane.slope_y + by[1], pairs[0].plane.level + by[2]};
  pairs[0].n_pix = perturbed["weights"]["01"];
  pairs[1].n_pix = perturbed["weights"]["02"];
  pairs[2].n_pix = perturbed["weights"]["12"];
  LevelGraphOptions const weighted{.weighting = PairWeighting::Pixels, .with_slope = true};
  expect_planes(match(pairs, 3, weighted, {Gauge::Kind::Image, 0}), perturbed["ref0"]);

  for (auto& pair : pairs) pair.delta = pair.plane.level;
  LevelGraphOptions const level{.weighting = PairWeighting::Pixels};
  auto const rooted = match(pairs, 3, level, {Gauge::Kind::Image, 0});
  for (std::size_t k = 0; k < 3; ++k)
    EXPECT_NEAR(rooted.correction[k].level, perturbed["ref0_if_sqrt"][k][2].get<double>(), 1e-11);
}

/// A random graph over `images` with exact differences of known levels and planes; two components and one image alone.
struct RandomGraph {
  std::vector<GridPlane> truth;
  std::vector<PairMeasurement> pairs;
  std::vector<int> component;
};

RandomGraph make_random_graph(std::uint32_t seed, int images) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, 1);
  RandomGraph graph;
  for (int k = 0; k < images; ++k) {
    graph.truth.push_back({1e-4 * normal(random), 1e-4 * normal(random), normal(random)});
    graph.component.push_back(k == images - 1 ? -1 : k % 3 == 0 ? 0 : 1);
  }
  for (int i = 0; i < images; ++i)
    for (int j = i + 1; j < images; ++j) {
      if (graph.component[static_cast<std::size_t>(i)] < 0 || graph.component[static_cast<std::size_t>(j)] < 0 ||
          graph.component[static_cast<std::size_t>(i)] != graph.component[static_cast<std::size_t>(j)])
        continue;
      if (j - i > 3 && random() % 10 > 0) continue;  // neighbours always: connected
      auto const& a = graph.truth[static_cast<std::size_t>(i)];
      auto const& b = graph.truth[static_cast<std::size_t>(j)];
      auto pair = pair_of(i, j, a.level - b.level, 1000 + static_cast<std::int64_t>(random() % 100000),
                          0.01 + 1e-4 * static_cast<double>(random() % 100));
      pair.has_plane = true;
      pair.plane = {a.slope_x - b.slope_x, a.slope_y - b.slope_y, a.level - b.level};
      graph.pairs.push_back(pair);
    }
  return graph;
}

TEST(SolveLevels, RecoversEveryLevelUpToAConstantAComponent) {
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    auto const graph = make_random_graph(seed, 30 + 10 * static_cast<int>(seed));
    for (auto const weighting : {PairWeighting::Equal, PairWeighting::Pixels, PairWeighting::Rms})
      for (bool const with_slope : {false, true}) {
        auto const solution = match(graph.pairs, static_cast<int>(graph.truth.size()),
                                    {.weighting = weighting, .with_slope = with_slope});
        EXPECT_EQ(solution.component, graph.component);
        for (int component = 0; component < 2; ++component) {
          GridPlane zero, sum;
          bool is_first = true;
          for (std::size_t k = 0; k < graph.truth.size(); ++k) {
            if (graph.component[k] != component) continue;
            auto const& c = solution.correction[k];
            GridPlane const rest{c.slope_x - graph.truth[k].slope_x, c.slope_y - graph.truth[k].slope_y,
                                 c.level - graph.truth[k].level};
            if (is_first) zero = rest;
            is_first = false;
            EXPECT_NEAR(rest.level, zero.level, 1e-10);
            EXPECT_NEAR(rest.slope_x, with_slope ? zero.slope_x : -graph.truth[k].slope_x, 1e-13);
            EXPECT_NEAR(rest.slope_y, with_slope ? zero.slope_y : -graph.truth[k].slope_y, 1e-13);
            sum.level += c.level;
          }
          EXPECT_NEAR(sum.level, 0, 1e-9) << "mean gauge";
        }
        EXPECT_EQ(solution.correction.back().level, 0) << "exactly: the image alone";
      }
  }
}

TEST(SolveLevels, MeetsTheNormalEquations) {
  auto graph = make_random_graph(5, 40);
  std::mt19937 random(9);
  std::normal_distribution<double> normal(0, 0.1);
  for (auto& pair : graph.pairs) pair.delta += normal(random);
  LevelGraphOptions const options{.weighting = PairWeighting::Rms};
  auto const selection = select_pairs(graph.pairs, 40, options);
  auto const solution = solve_levels(graph.pairs, selection, 40, options, {});
  std::vector<double> pull(40, 0);
  double largest = 0;
  for (std::size_t k = 0; k < graph.pairs.size(); ++k) {
    if (!is_used(selection.verdict[k])) continue;
    auto const first = static_cast<std::size_t>(graph.pairs[k].first),
               second = static_cast<std::size_t>(graph.pairs[k].second);
    EXPECT_NEAR(selection.weight[k], 1 / graph.pairs[k].rms, 1e-9) << "the root of rms^-2 for levels";
    double const force = selection.weight[k] *
                         (graph.pairs[k].delta - solution.correction[first].level + solution.correction[second].level);
    pull[first] += force;
    pull[second] -= force;
    largest = std::max(largest, std::abs(force));
  }
  for (double const rest : pull) EXPECT_NEAR(rest, 0, 1e-10 * largest);
}

TEST(SolveLevels, DoesNotDependOnTheNumbersOfTheImages) {
  auto const graph = make_random_graph(3, 50);
  std::vector<int> number(50);
  for (int k = 0; k < 50; ++k) number[static_cast<std::size_t>(k)] = k;
  std::mt19937 random(4);
  std::shuffle(number.begin(), number.end(), random);
  std::vector<PairMeasurement> renamed;
  for (auto pair : graph.pairs) {
    auto const first = number[static_cast<std::size_t>(pair.first)],
               second = number[static_cast<std::size_t>(pair.second)];
    pair.first = std::min(first, second);
    pair.second = std::max(first, second);
    if (first > second) pair.delta = -pair.delta;
    renamed.push_back(pair);
  }
  std::shuffle(renamed.begin(), renamed.end(), random);
  LevelGraphOptions const options{.weighting = PairWeighting::Rms};
  auto const solution = match(graph.pairs, 50, options), other = match(renamed, 50, options);
  for (std::size_t k = 0; k < 50; ++k)
    EXPECT_NEAR(solution.correction[k].level, other.correction[static_cast<std::size_t>(number[k])].level, 1e-11);
}

TEST(SolveLevels, HoldsThousandsOfImages) {
  std::vector<PairMeasurement> pairs;
  int const side = 70;
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x) {
      int const image = y * side + x;
      auto const level = [](int k) { return std::sin(0.37 * k); };
      if (x + 1 < side) pairs.push_back(pair_of(image, image + 1, level(image) - level(image + 1)));
      if (y + 1 < side) pairs.push_back(pair_of(image, image + side, level(image) - level(image + side)));
    }
  auto const solution = match(pairs, side * side, {}, {Gauge::Kind::Image, 100});
  for (int k = 0; k < side * side; ++k)
    ASSERT_NEAR(solution.correction[static_cast<std::size_t>(k)].level, std::sin(0.37 * k) - std::sin(37.0), 1e-9);
}

TEST(SolveLevels, TakesTheImageWithMostPairsAsReference) {
  std::vector<PairMeasurement> const pairs{pair_of(0, 1, 1), pair_of(1, 2, 1), pair_of(1, 3, 1, 5000),
                                           pair_of(2, 3, 0, 5000)};
  EXPECT_EQ(match(pairs, 4, {}, {Gauge::Kind::MostPairs}).reference, std::vector{1});
  std::vector<PairMeasurement> const tie{pair_of(0, 1, 1, 900), pair_of(1, 2, 1, 1100), pair_of(2, 3, 1, 1000)};
  EXPECT_EQ(match(tie, 4, {}, {Gauge::Kind::MostPairs}).reference, std::vector{2}) << "most pixels";
  EXPECT_EQ(match(tie, 4, {}, {Gauge::Kind::MostPairs}).correction[2].level, 0);
}

TEST(SelectPairs, TakesTheBestCutPairThatJoinsGroups) {
  // Three small overlaps hold the groups 01 and 23 together.
  std::vector<PairMeasurement> pairs{pair_of(0, 1, 0.5, 100000), pair_of(0, 2, 0.1, 30), pair_of(0, 3, 0.1, 70),
                                     pair_of(1, 2, 0.1, 70, 0.05), pair_of(2, 3, 0.25, 100000)};
  auto const selection = select_pairs(pairs, 4, {});
  EXPECT_EQ(selection.verdict[3], PairVerdict::Reconnecting) << "most pixels, then least scatter";
  EXPECT_EQ(selection.verdict[1], PairVerdict::SmallArea);
  EXPECT_EQ(selection.verdict[2], PairVerdict::SmallArea);
  auto const solution = solve_levels(pairs, selection, 4, {}, {Gauge::Kind::Image, 0});
  EXPECT_NEAR(solution.correction[2].level, -0.6, 1e-12);
  EXPECT_EQ(solution.component, std::vector(4, 0));

  auto const cut = select_pairs(pairs, 4, {.reconnect = false});
  EXPECT_EQ(solve_levels(pairs, cut, 4, {}, {}).component, (std::vector{0, 0, 1, 1}));
  for (auto& pair : pairs)
    if (pair.n_pix < 100) pair.n_pix = 3;
  EXPECT_EQ(match(pairs, 4).component, (std::vector{0, 0, 1, 1})) << "three pixels are no bridge";
}

TEST(SelectPairs, LeavesTheScatterCutOutWhereItSaysNothing) {
  std::vector<PairMeasurement> const same{pair_of(0, 1, 1, 100, 1e-15), pair_of(1, 2, 1, 100, 2e-15),
                                          pair_of(0, 2, 2, 100, 9e-15)};
  LevelGraphOptions const strict{.rms_sig_limit = 0.5};
  for (auto const verdict : select_pairs(same, 3, strict).verdict) EXPECT_EQ(verdict, PairVerdict::Used);
  std::vector<PairMeasurement> const two{pair_of(0, 1, 1, 100, 0.1), pair_of(1, 2, 1, 100, 0.9)};
  for (auto const verdict : select_pairs(two, 3, strict).verdict) EXPECT_EQ(verdict, PairVerdict::Used);
}

TEST(SelectPairs, DropsPairsWithoutWeightUnlessNoneHasOne) {
  double const inf = std::numeric_limits<double>::infinity();
  LevelGraphOptions const options{.weighting = PairWeighting::Rms};
  std::vector<PairMeasurement> const some{pair_of(0, 1, 1, 100, 0.1), pair_of(0, 2, 1, 100, 0),
                                          pair_of(1, 2, 0, 100, 0.1), pair_of(2, 3, 0, 100, inf)};
  auto const selection = select_pairs(some, 4, options);
  EXPECT_EQ(selection.verdict[1], PairVerdict::NoWeight);
  EXPECT_EQ(selection.verdict[3], PairVerdict::Reconnecting) << "any weight will do for a bridge";
  auto const exact = match({pair_of(0, 1, 1, 100, 0), pair_of(1, 2, 1, 100, 0)}, 3, options, {Gauge::Kind::Image, 0});
  expect_levels(exact, {0.0, -1.0, -2.0}, 1e-12);
}

TEST(SelectPairs, JoinsByALevelWhereAPlaneCannotBeFitted) {
  auto const planes =
      test::read_vector("pj_plane_match.json")["mosaic_exact"]["planes"].get<std::vector<std::vector<double>>>();
  auto pairs = make_plane_pairs(planes);
  pairs.push_back(pair_of(2, 3, 0.75));  // no plane
  LevelGraphOptions const options{.with_slope = true};
  auto const selection = select_pairs(pairs, 4, options);
  EXPECT_EQ(selection.verdict[3], PairVerdict::Reconnecting);
  auto const solution = solve_levels(pairs, selection, 4, options, {Gauge::Kind::Image, 0});
  EXPECT_NEAR(solution.correction[3].slope_x, solution.correction[2].slope_x, 1e-15);
  EXPECT_NEAR(solution.correction[3].level, solution.correction[2].level - 0.75, 1e-12);
  auto const apart = select_pairs(pairs, 4, {.with_slope = true, .reconnect = false});
  EXPECT_EQ(apart.verdict[3], PairVerdict::PlaneUndetermined);
}

TEST(SelectPairs, CutsShortOverlaps) {
  std::vector<PairMeasurement> pairs{pair_of(0, 1, 1), pair_of(0, 2, 1), pair_of(1, 2, 0)};
  pairs[2].is_long = false;
  EXPECT_EQ(select_pairs(pairs, 3, {}).verdict[2], PairVerdict::ShortAxis);
}

TEST(SolveLevels, OfNoPairsIsZero) {
  auto const solution = match({}, 3);
  for (auto const& correction : solution.correction) EXPECT_EQ(correction.level, 0);
  EXPECT_EQ(solution.isolated, 3);
  EXPECT_EQ(match({pair_of(0, 1, NAN, 0)}, 2).isolated, 2);
}

TEST(ParsePairWeighting, NamesTheChoices) {
  EXPECT_EQ(parse_pair_weighting("npix"), PairWeighting::Pixels);
  EXPECT_THROW(parse_pair_weighting("pixels"), ConfigError);
}

}  // namespace
}  // namespace tessera::exchange
