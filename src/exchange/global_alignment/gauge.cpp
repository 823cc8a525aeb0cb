#include "gauge.hpp"

#include <Eigen/Dense>
#include <cmath>

namespace tessera::exchange {

namespace {

constexpr double UsualShift = 0.2;                          // arcsec
constexpr double UsualRoll = 0.02 * sky::RadiansPerDegree;  // radians
constexpr int WeightPasses = 20;

using Covariance = Eigen::Map<Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;

/// One island: its groups, and how their planes lie in that of its middle.
struct Frame {
  std::vector<std::size_t> groups;
  std::vector<Eigen::Matrix2d> turn;    ///< displacements in the plane of the group, in that of the middle
  std::vector<Eigen::Vector2d> middle;  ///< in the plane of the group
  std::vector<double> weight;
};

Frame make_frame(GroupLists const& lists, Islands const& islands, int island) {
  Frame frame;
  sky::Vector3 sum;
  for (std::size_t g = 0; g < lists.groups.size(); ++g)
    if (islands.of_group[g] == island) {
      frame.groups.push_back(g);
      sum = sum + lists.groups[g].axes.centre;
    }
  auto const axes = axes_at(sum);
  for (auto const g : frame.groups) {
    auto const& plane = lists.groups[g].axes;
    Eigen::Matrix2d turn;
    turn << sky::dot(axes.east, plane.east), sky::dot(axes.east, plane.north), sky::dot(axes.north, plane.east),
        sky::dot(axes.north, plane.north);
    frame.turn.push_back(turn);
    auto const middle = to_plane(plane, axes.centre);
    frame.middle.emplace_back(middle.x, middle.y);
  }
  return frame;
}

Eigen::Vector2d rolled(Eigen::Vector2d v, double roll) {
  return {std::cos(roll) * v.x() - std::sin(roll) * v.y(), std::sin(roll) * v.x() + std::cos(roll) * v.y()};
}

/// Weighted means of shifts (in the plane of the middle) and rolls.
struct Means {
  Eigen::Vector2d shift = Eigen::Vector2d::Zero();
  double roll = 0;
};
Means means_of(Frame const& frame, std::vector<GroupMove> const& moves) {
  Means means;
  double total = 0;
  for (std::size_t k = 0; k < frame.groups.size(); ++k) {
    auto const& move = moves[frame.groups[k]];
    means.shift += frame.weight[k] * (frame.turn[k] * Eigen::Vector2d(move.x, move.y));
    means.roll += frame.weight[k] * move.roll;
    total += frame.weight[k];
  }
  means.shift /= total;
  means.roll /= total;
  return means;
}

/// Turns the island about its middle, then moves it, until its means are zero.
void move_to_zero(Frame const& frame, bool with_rotation, std::vector<GroupMove>& moves) {
  if (with_rotation) {
    double const roll = means_of(frame, moves).roll;
    for (std::size_t k = 0; k < frame.groups.size(); ++k) {
      auto& move = moves[frame.groups[k]];
      Eigen::Vector2d const shift = rolled(Eigen::Vector2d(move.x, move.y) - frame.middle[k], -roll) + frame.middle[k];
      move = {shift.x(), shift.y(), move.roll - roll};
    }
  }
  Eigen::Vector2d const mean = means_of(frame, moves).shift;
  for (std::size_t k = 0; k < frame.groups.size(); ++k) {
    Eigen::Vector2d const shift = frame.turn[k].transpose() * mean;
    moves[frame.groups[k]].x -= shift.x();
    moves[frame.groups[k]].y -= shift.y();
  }
}

/// The covariance of T x, T = 1 - modes (conditions^T modes)^-1 conditions^T.
void project(Frame const& frame, bool with_rotation, Covariance& covariance) {
  Eigen::Index const kinds = with_rotation ? 3 : 2;
  Eigen::MatrixXd modes = Eigen::MatrixXd::Zero(covariance.rows(), kinds), conditions = modes;
  for (std::size_t k = 0; k < frame.groups.size(); ++k) {
    auto const at = static_cast<Eigen::Index>(3 * frame.groups[k]);
    modes.block<2, 2>(at, 0) = frame.turn[k].transpose();
    conditions.block<2, 2>(at, 0) = frame.weight[k] * frame.turn[k].transpose();
    if (!with_rotation) continue;
    modes(at, 2) = frame.middle[k].y();
    modes(at + 1, 2) = -frame.middle[k].x();
    modes(at + 2, 2) = 1;
    conditions(at + 2, 2) = frame.weight[k];
  }
  Eigen::MatrixXd const product = conditions.transpose() * modes;
  Eigen::MatrixXd const fraction = modes * product.inverse();
  Eigen::MatrixXd const left = conditions.transpose() * covariance;
  covariance -= fraction * left;
  Eigen::MatrixXd const right = covariance * conditions;
  covariance -= right * fraction.transpose();
}

}  // namespace

std::vector<double> apply_gauge(GroupLists const& lists, Islands const& islands, bool with_rotation,
                                Adjustment& adjustment, std::vector<double>& covariance) {
  std::vector<double> weights(lists.groups.size(), 0.0);
  auto const unknowns = static_cast<Eigen::Index>(3 * lists.groups.size());
  Covariance matrix(covariance.data(), covariance.empty() ? 0 : unknowns, covariance.empty() ? 0 : unknowns);
  for (std::size_t island = 0; island < islands.has_datum.size(); ++island) {
    if (islands.has_datum[island]) continue;
    auto frame = make_frame(lists, islands, static_cast<int>(island));
    frame.weight.assign(frame.groups.size(), 1.0);
    for (int pass = 0; pass < WeightPasses; ++pass) {
      auto moves = adjustment.groups;
      move_to_zero(frame, with_rotation, moves);
      for (std::size_t k = 0; k < frame.groups.size(); ++k) {
        auto const& move = moves[frame.groups[k]];
        frame.weight[k] = 1 / (1 + (move.x * move.x + move.y * move.y) / (UsualShift * UsualShift) +
                               move.roll * move.roll / (UsualRoll * UsualRoll));
      }
    }
    move_to_zero(frame, with_rotation, adjustment.groups);
    if (!covariance.empty()) project(frame, with_rotation, matrix);
    for (std::size_t k = 0; k < frame.groups.size(); ++k) weights[frame.groups[k]] = frame.weight[k];
  }
  return weights;
}

}  // namespace tessera::exchange
