#include "motion_errors.hpp"

#include <Eigen/Dense>
#include <cmath>
#include <map>
#include <numbers>

namespace tessera::exchange {

namespace {

constexpr double ArcsecPerRadian = 180 * 3600 / std::numbers::pi;
constexpr double DegreesPerRadian = 180 / std::numbers::pi;
constexpr double Lever = 100;             // arcsec: rolls are kept as shifts at this distance
constexpr std::size_t MostGroups = 1500;  // 162 MB

using Block = Eigen::Matrix3d;
using Array = std::array<std::array<double, 3>, 3>;

Block block_of(Array const& values) {
  Block block;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) block(i, j) = values[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)];
  return block;
}

Array array_of(Block const& block) {
  Array values{};
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) values[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)] = block(i, j);
  return values;
}

/// How a motion moves a place (x, y), arcsec.
Eigen::Matrix<double, 2, 3> influence(double x, double y, bool with_roll) {
  Eigen::Matrix<double, 2, 3> b;
  b << 1, 0, with_roll ? -y / Lever : 0, 0, 1, with_roll ? x / Lever : 0;
  return b;
}

}  // namespace

MotionErrors::MotionErrors(sky::CorrectionPlane const& plane, std::size_t groups)
    : plane_(plane),
      groups_(groups),
      covariance_(groups <= MostGroups ? groups * groups : 0),
      is_known_(groups, groups <= MostGroups) {}

MotionErrors::Solved MotionErrors::solve(std::span<FitTie const> ties, TieError error, bool with_roll) const {
  Solved solved;
  Block normal = Block::Zero();
  if (!with_roll) normal(2, 2) = 1;
  std::map<int, Block> of_group;
  for (auto const& tie : ties) {
    double x = 0, y = 0;
    plane_.sky_to_plane({&tie.ra, 1}, {&tie.dec, 1}, {&x, 1}, {&y, 1});
    x *= ArcsecPerRadian;
    y *= ArcsecPerRadian;
    auto const own = influence(x, y, with_roll);
    normal += tie.weight * own.transpose() * own;
    if (tie.group == FitTie::Exact) continue;
    auto const [place, is_new] = of_group.emplace(tie.group, Block::Zero());
    place->second += tie.weight * own.transpose() * influence(x, y, true);
  }
  // The scatter of few matches is itself uncertain: the variance of Student's t.
  Eigen::FullPivLU<Block> const factors(normal);
  solved.is_known = error.freedom > 2 && error.sigma > 0 && factors.isInvertible();
  if (!solved.is_known) return solved;
  Block const inverse = factors.inverse();
  for (auto const& [group, sum] : of_group) {
    solved.is_known = solved.is_known && is_known_[static_cast<std::size_t>(group)];
    solved.weights.emplace_back(static_cast<std::size_t>(group), array_of(inverse * sum));
  }
  double const student = static_cast<double>(error.freedom) / (error.freedom - 2);
  Block noise = student * error.sigma * error.sigma * inverse;
  if (!with_roll) noise(2, 2) = 0;
  solved.noise = array_of(noise);
  return solved;
}

void MotionErrors::fit_group(std::size_t group, std::span<FitTie const> ties, TieError error, bool with_roll) {
  if (covariance_.empty()) return;
  auto const solved = solve(ties, error, with_roll);
  is_known_[group] = solved.is_known;
  if (!solved.is_known) return;
  for (std::size_t other = 0; other < groups_; ++other) {
    if (other == group) continue;
    Block sum = Block::Zero();
    for (auto const& [origin, weight] : solved.weights) sum += block_of(weight) * block_of(block(origin, other));
    block(group, other) = array_of(sum);
    block(other, group) = array_of(sum.transpose());
  }
  Block own = block_of(solved.noise);
  for (auto const& [origin, weight] : solved.weights) own += block_of(weight) * block_of(block(origin, group));
  block(group, group) = array_of(own);
}

void MotionErrors::fit_all(std::span<FitTie const> ties, TieError error, bool with_roll) {
  if (covariance_.empty()) return;
  auto const solved = solve(ties, error, with_roll);
  if (!solved.is_known) {
    is_known_.assign(groups_, false);
    return;
  }
  // m_g becomes m_g - sum_o W_o m_o + noise, the sum being the same for all.
  std::vector<Block> mean_with(groups_, Block::Zero());  // of the sum with m_g
  Block mean = Block::Zero();                            // and with itself
  for (std::size_t g = 0; g < groups_; ++g)
    for (auto const& [origin, weight] : solved.weights) mean_with[g] += block_of(weight) * block_of(block(origin, g));
  for (auto const& [origin, weight] : solved.weights) mean += mean_with[origin] * block_of(weight).transpose();
  mean += block_of(solved.noise);
  for (std::size_t a = 0; a < groups_; ++a)
    for (std::size_t b = 0; b < groups_; ++b)
      block(a, b) = array_of(block_of(block(a, b)) - mean_with[b] - mean_with[a].transpose() + mean);
}

std::array<double, 3> MotionErrors::at(std::size_t group, model::SkyPoint place) const {
  if (!is_known_[group]) return {0, 0, 0};
  double x = 0, y = 0;
  plane_.sky_to_plane({&place.ra, 1}, {&place.dec, 1}, {&x, 1}, {&y, 1});
  auto const own = influence(x * ArcsecPerRadian, y * ArcsecPerRadian, true);
  Block const covariance = block_of(block(group, group));
  Eigen::Matrix2d const there = own * covariance * own.transpose();
  auto const root = [](double variance) { return std::sqrt(std::max(0.0, variance)); };
  return {root(there(0, 0)), root(there(1, 1)), root(covariance(2, 2)) / Lever * DegreesPerRadian};
}

}  // namespace tessera::exchange
