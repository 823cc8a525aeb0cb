// Stripes and sky together: recovery of made-up stripes, the dense solution of small cases, limits of the prior, and
// what the data cannot tell.
#include "tessera/exchange/joint_stripes.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "support/stripe_scene.hpp"

namespace tessera::exchange {
namespace {

constexpr double Degree = std::numbers::pi / 180;

JointStripes solve(test::StripeScene const& scene, std::vector<StripeBlock> const& blocks,
                   JointOptions const& options) {
  test::StripeBlockList list(blocks);
  return solve_joint_stripes({}, scene.exposures(), list, options);
}

/// Rms of solution minus truth (its mean over the known stripes taken out), over all known stripes.
double rms_error(JointStripes const& solution, std::vector<std::vector<double>> const& truth) {
  double squares = 0;
  std::int64_t known = 0;
  for (std::size_t k = 0; k < truth.size(); ++k) {
    double mean = 0;
    std::int64_t count = 0;
    for (std::size_t i = 0; i < truth[k].size(); ++i)
      if (solution.constraint[k][i] > 0) mean += truth[k][i], ++count;
    mean /= static_cast<double>(count);
    for (std::size_t i = 0; i < truth[k].size(); ++i) {
      if (!(solution.constraint[k][i] > 0)) continue;
      double const error = solution.stripe[k][i] - (truth[k][i] - mean);
      squares += error * error;
      ++known;
    }
  }
  return std::sqrt(squares / static_cast<double>(known));
}

double rms(std::vector<std::vector<double>> const& profiles) {
  double squares = 0, count = 0;
  for (auto const& profile : profiles)
    for (double const value : profile) squares += value * value, ++count;
  return std::sqrt(squares / count);
}

/// Five exposures at all angles: only one level for all is free. None lies along the grid: there every row is mixed
/// with the next one in the same way, and one mode of its stripes is never seen.
test::StripeScene crossed_scene(int amplifiers) {
  test::StripeScene scene;
  scene.amplifiers = amplifiers;
  scene.pointings = {{12.3, 15.8, 3 * Degree},
                     {70.1, 14.2, 87 * Degree},
                     {22, 3, 25 * Degree},
                     {85, 70, 170 * Degree},
                     {3, 60, -40 * Degree}};
  return scene;
}

TEST(PackWeight, KeepsTwoDigitsAndRefusesWhatIsNoWeight) {
  for (float const weight : {1e-30f, 0.0123f, 1.0f, 777.0f, 3e30f})
    EXPECT_NEAR(unpack_weight(pack_weight(weight)) / weight, 1, 1.0 / 256);
  EXPECT_TRUE(std::isfinite(unpack_weight(pack_weight(std::numeric_limits<float>::max()))));
  for (float const weight : {0.0f, -1.0f, std::numeric_limits<float>::infinity(), std::nanf("")})
    EXPECT_EQ(pack_weight(weight), 0);
}

TEST(SolveJointStripes, RecoversStripesWithoutNoise) {
  for (int const amplifiers : {1, 4}) {
    auto const scene = crossed_scene(amplifiers);
    auto const made = make_scene(scene);
    JointOptions options;
    options.prior_amplitude = 1e6;
    options.clip_rounds = 0;
    options.tolerance = 1e-9;
    options.most_iterations = 3000;
    auto const solution = solve(scene, made.blocks, options);
    EXPECT_TRUE(solution.converged);
    EXPECT_LT(rms_error(solution, made.truth), 1e-5) << amplifiers << " amplifiers";  // values are float32 of about 2
  }
}

TEST(SolveJointStripes, AgreesWithTheDenseSolutionOfSkyAndStripes) {
  test::StripeScene scene;
  scene.grid = 24;
  scene.block = 10;
  scene.pixels = 16;
  scene.amplifiers = 2;
  scene.noise = 0.1;
  scene.pointings = {{2, 3, 0}, {4.4, 5.7, 0.1}, {20, 2, 80 * Degree}};
  auto const made = make_scene(scene);
  JointOptions options;
  options.prior_amplitude = 0.05;
  options.clip_rounds = 0;
  options.tolerance = 1e-11;
  auto const solution = solve(scene, made.blocks, options);
  ASSERT_GT(solution.ridge, 0);

  // Every sky pixel and every stripe an unknown of its own; the levels of amplifiers are free, and of the solutions
  // that are equally good the shortest is taken.
  int const each = scene.stripes_each(), exposures = static_cast<int>(scene.pointings.size());
  int const n = exposures * each, skies = scene.grid * scene.grid;
  Eigen::MatrixXd normal = Eigen::MatrixXd::Zero(n + skies, n + skies);
  Eigen::VectorXd right = Eigen::VectorXd::Zero(n + skies);
  for (auto const& block : made.blocks)
    for (auto const& cells : block.exposures)
      for (std::size_t k = 0; k < cells.weight.size(); ++k) {
        if (cells.weight[k] == 0) continue;
        auto const width = static_cast<std::size_t>(cells.box.width());
        auto const x = cells.box.x0 + static_cast<std::int64_t>(k % width);
        auto const y = cells.box.y0 + static_cast<std::int64_t>(k / width);
        double const f = cells.fraction[k] / double{StripeCells::FractionUnit}, w = unpack_weight(cells.weight[k]);
        auto const i = static_cast<Eigen::Index>(cells.exposure * each + cells.stripe[k]);
        std::pair<Eigen::Index, double> const terms[] = {{i, 1 - f}, {i + 1, f}, {n + y * scene.grid + x, 1}};
        for (auto const& [a, ga] : terms) {
          right(a) += w * ga * static_cast<double>(cells.value[k]);
          for (auto const& [b, gb] : terms) normal(a, b) += w * ga * gb;
        }
      }
  auto const is_known = [&](int exposure, int i) {
    return solution.constraint[static_cast<std::size_t>(exposure)][static_cast<std::size_t>(i)] > 0;
  };
  for (int exposure = 0; exposure < exposures; ++exposure)
    for (int first = 0; first < each; first += scene.pixels) {
      int known = 0;
      for (int i = first; i < first + scene.pixels; ++i) known += is_known(exposure, i);
      for (int i = first; i < first + scene.pixels; ++i) {
        if (!is_known(exposure, i)) continue;
        normal(exposure * each + i, exposure * each + i) += solution.ridge;
        for (int j = first; j < first + scene.pixels; ++j)
          if (is_known(exposure, j)) normal(exposure * each + i, exposure * each + j) -= solution.ridge / known;
      }
    }
  Eigen::VectorXd const found = normal.completeOrthogonalDecomposition().solve(right);
  for (int exposure = 0; exposure < exposures; ++exposure) {
    double mean = 0;
    int known = 0;
    for (int i = 0; i < each; ++i)
      if (is_known(exposure, i)) mean += found(exposure * each + i), ++known;
    mean /= known;
    for (int i = 0; i < each; ++i) {
      if (!is_known(exposure, i)) continue;
      EXPECT_NEAR(solution.stripe[static_cast<std::size_t>(exposure)][static_cast<std::size_t>(i)],
                  found(exposure * each + i) - mean, 1e-8)
          << "exposure " << exposure << " stripe " << i;
    }
  }
}

TEST(SolveJointStripes, GoesToZeroWithTheAmplitudeOfThePrior) {
  auto scene = crossed_scene(1);
  scene.noise = 0.05;
  auto const made = make_scene(scene);
  JointOptions options;
  options.clip_rounds = 0;
  options.prior_amplitude = 1e-5;
  EXPECT_LT(rms(solve(scene, made.blocks, options).stripe), 1e-5);
  options.prior_amplitude = 1e4;
  EXPECT_LT(rms_error(solve(scene, made.blocks, options), made.truth), 0.02);
}

TEST(SolveJointStripes, FindsNoiseAndAmplitudeFromTheData) {
  auto scene = crossed_scene(1);
  scene.noise = 0.1;
  auto const made = make_scene(scene);
  auto const solution = solve(scene, made.blocks, {});
  EXPECT_NEAR(solution.noise, 1, 0.1);  // weights are 1 / noise^2
  EXPECT_NEAR(solution.prior_amplitude, 0.05, 0.01);
  // 64 pixels of noise 0.1 a stripe, a fraction of the sky seen by two or three exposures.
  EXPECT_LT(rms_error(solution, made.truth), 0.03);
}

TEST(SolveJointStripes, LeavesDataWithoutStripesNearlyAlone) {
  auto scene = crossed_scene(1);
  scene.noise = 0.1;
  scene.stripes = 0;
  auto const made = make_scene(scene);
  auto const solution = solve(scene, made.blocks, {});
  EXPECT_LT(rms(solution.stripe), 0.5 * 0.1 / std::sqrt(scene.pixels));
}

TEST(SolveJointStripes, ClipsOutliers) {
  auto scene = crossed_scene(1);
  scene.noise = 0.1;
  double const clean = rms_error(solve(scene, make_scene(scene).blocks, {}), make_scene(scene).truth);
  scene.outliers = 0.01;
  auto const made = make_scene(scene);
  auto const solution = solve(scene, made.blocks, {});
  EXPECT_GT(solution.clipped, 0.005 * static_cast<double>(solution.cells));
  EXPECT_LT(rms_error(solution, made.truth), 1.5 * clean);
}

TEST(SolveJointStripes, DoesNotDependOnTheOrderOfTheExposures) {
  auto scene = crossed_scene(1);
  scene.noise = 0.05;
  auto const made = make_scene(scene);
  JointOptions options;
  options.tolerance = 1e-9;
  auto const solution = solve(scene, made.blocks, options);
  auto turned = made.blocks;
  int const last = static_cast<int>(scene.pointings.size()) - 1;
  for (auto& block : turned) {
    for (auto& cells : block.exposures) cells.exposure = last - cells.exposure;
    std::reverse(block.exposures.begin(), block.exposures.end());
  }
  auto const again = solve(scene, turned, options);
  EXPECT_EQ(again.clipped, solution.clipped);
  for (std::size_t k = 0; k < solution.stripe.size(); ++k)
    for (std::size_t i = 0; i < solution.stripe[k].size(); ++i)
      EXPECT_NEAR(again.stripe[static_cast<std::size_t>(last) - k][i], solution.stripe[k][i], 1e-8);
}

TEST(SolveJointStripes, SaysWhereStripesAndSkyCannotBeToldApart) {
  test::StripeScene scene;
  scene.noise = 0.05;
  scene.pointings.assign(4, {10, 12, 0});
  auto const still = solve(scene, make_scene(scene).blocks, {});
  scene.pointings = {{10, 12, 0}, {12, 19.3, 0}, {8, 26.7, 0}, {15, 6.1, 0}};
  auto const dithered = solve(scene, make_scene(scene).blocks, {});
  for (std::size_t i = 1; i + 1 < static_cast<std::size_t>(scene.pixels); ++i) {
    EXPECT_FALSE(still.is_common_known(i)) << "row " << i;
    EXPECT_TRUE(dithered.is_common_known(i)) << "row " << i;
    EXPECT_EQ(still.common_exposures[i], 4);
  }
  // Lines of sky along the rows of all exposures stay unknown however they are dithered; crossed rows know them.
  auto crossed = crossed_scene(1);
  crossed.noise = 0.05;
  auto const turned = solve(crossed, make_scene(crossed).blocks, {});
  ASSERT_EQ(dithered.sky_lines.size(), turned.sky_lines.size());
  for (std::size_t k = 0; k < dithered.sky_lines.size(); ++k) {
    if (dithered.sky_lines[k].period > scene.pixels) continue;
    EXPECT_LT(dithered.sky_lines[k].quotient, 0.02) << dithered.sky_lines[k].period;
    EXPECT_GT(turned.sky_lines[k].quotient, 0.2) << turned.sky_lines[k].period;
  }
}

TEST(SolveJointStripes, LeavesRowsWithoutDataAlone) {
  auto scene = crossed_scene(1);
  scene.noise = 0.05;
  auto made = make_scene(scene);
  for (auto& block : made.blocks)
    for (auto& cells : block.exposures)
      for (std::size_t k = 0; k < cells.weight.size(); ++k)
        if (cells.exposure == 1 && cells.stripe[k] >= 20 && cells.stripe[k] < 30) cells.weight[k] = 0;
  auto const solution = solve(scene, made.blocks, {});
  for (std::size_t i = 21; i < 30; ++i) {
    EXPECT_NEAR(solution.stripe[1][i], 0, 1e-12);  // the level of the only amplifier is that of the exposure
    EXPECT_EQ(solution.constraint[1][i], 0);
  }
  EXPECT_GT(std::abs(solution.stripe[1][19]), 1e-6);
}

TEST(SolveJointStripes, TakesNothingFromNothing) {
  test::StripeScene scene;
  scene.pointings = {{10, 12, 0}};
  auto const alone = solve(scene, make_scene(scene).blocks, {});
  EXPECT_EQ(rms(alone.stripe), 0);
  test::StripeBlockList none({});
  auto const nothing = solve_joint_stripes({}, {}, none, {});
  EXPECT_TRUE(nothing.converged);
  EXPECT_EQ(nothing.cells, 0);
}

}  // namespace
}  // namespace tessera::exchange
