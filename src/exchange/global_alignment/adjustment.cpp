#include "adjustment.hpp"

#include <Eigen/Dense>
#include <Eigen/SparseCholesky>
#include <Eigen/SparseCore>
#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "tessera/core/contract.hpp"

namespace tessera::exchange {

namespace {

constexpr double Lever = 100;             // arcsec: rolls are solved for as shifts at this distance
constexpr double WeakShift = 10;          // arcsec: keeps a common shift that nothing fixes from being singular
constexpr double ZeroSum = 1e-5;          // arcsec: of the offsets of all detectors
constexpr std::size_t MostGroups = 1500;  // with a covariance: 162 MB

using Block = Eigen::Matrix3d;

/// How an unknown triple moves a position of a star east and north.
using Influence = Eigen::Matrix<double, 2, 3>;

/// The axes of the star's own plane.
sky::TangentAxes star_axes(StarChains const& chains, std::size_t chain) {
  sky::Vector3 sum;
  for (auto k = chains.start[chain]; k < chains.start[chain + 1]; ++k) sum = sum + chains.members[k].direction;
  return axes_at(sum);
}

using Solver = Eigen::SimplicialLDLT<Eigen::SparseMatrix<double>>;

using Sparse = Eigen::SparseMatrix<double>;

struct Inverse {
  std::vector<double> covariance;    ///< row-major, rolls in radians
  Adjustment::KindScales freedom{};  ///< trace of N^-1 M of each kind
};

/// The part that belongs to the first unknowns; `noise`: lower triangles of M of each kind, `all` that of their scaled
/// sum with the prior.
Inverse invert(Solver const& solver, Eigen::Index unknowns, std::array<Sparse, ErrorKinds> const& noise,
               Sparse const& all) {
  Inverse result;
  result.covariance.resize(static_cast<std::size_t>(unknowns * unknowns));
  constexpr Eigen::Index AtOnce = 64;
  for (Eigen::Index first = 0; first < solver.rows(); first += AtOnce) {
    auto const columns = std::min(AtOnce, solver.rows() - first);
    Eigen::MatrixXd unit = Eigen::MatrixXd::Zero(solver.rows(), columns);
    for (Eigen::Index k = 0; k < columns; ++k) unit(first + k, k) = 1;
    Eigen::MatrixXd const inverse = solver.solve(unit);
    for (std::size_t kind = 0; kind < ErrorKinds; ++kind) {
      Eigen::MatrixXd const product = noise[kind].selfadjointView<Eigen::Lower>() * inverse;
      for (Eigen::Index k = 0; k < columns; ++k) result.freedom[kind] += product(first + k, k);
    }
    if (first >= unknowns) continue;
    Eigen::MatrixXd const product = all.selfadjointView<Eigen::Lower>() * inverse;
    Eigen::MatrixXd const covariance = solver.solve(product);
    for (Eigen::Index k = 0; k < std::min(columns, unknowns - first); ++k)
      for (Eigen::Index row = 0; row < unknowns; ++row) {
        double const scale = (row % 3 == 2 ? 1 / Lever : 1) * ((first + k) % 3 == 2 ? 1 / Lever : 1);
        result.covariance[static_cast<std::size_t>((first + k) * unknowns + row)] = covariance(row, k) * scale;
      }
  }
  return result;
}

}  // namespace

/// Blocks of the lower triangle by (row, column) of nodes: groups, then detectors.
struct Adjustment::NormalEquations {
  explicit NormalEquations(std::size_t nodes) : right(Eigen::VectorXd::Zero(static_cast<Eigen::Index>(3 * nodes))) {}
  std::unordered_map<std::uint64_t, std::size_t> place;  // looked up only: its order plays no part
  std::vector<std::pair<int, int>> where;
  std::vector<Block> blocks;
  Eigen::VectorXd right;

  void add(int row, int column, Block const& block) {
    if (row < column) return;
    auto const key = (static_cast<std::uint64_t>(row) << 32) | static_cast<std::uint32_t>(column);
    auto const [entry, is_new] = place.emplace(key, blocks.size());
    if (is_new) {
      where.emplace_back(row, column);
      blocks.push_back(block);
    } else {
      blocks[entry->second] += block;
    }
  }
  Eigen::SparseMatrix<double> matrix() const {
    std::vector<Eigen::Triplet<double>> entries;
    for (std::size_t k = 0; k < blocks.size(); ++k)
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j) {
          int const row = 3 * where[k].first + i, column = 3 * where[k].second + j;
          if (row >= column) entries.emplace_back(row, column, blocks[k](i, j));
        }
    Eigen::SparseMatrix<double> result(right.size(), right.size());
    result.setFromTriplets(entries.begin(), entries.end());
    return result;
  }
};

Adjustment::Adjustment(std::vector<sky::TangentAxes> planes, std::vector<DetectorAxes> detectors, int detector_count,
                       AdjustmentPriors const& priors)
    : groups(planes.size()),
      offsets(static_cast<std::size_t>(detector_count)),
      planes_(std::move(planes)),
      detectors_(std::move(detectors)),
      priors_(priors) {}

PlanePosition Adjustment::moved(sky::Vector3 direction, int group, int image) const {
  auto const g = static_cast<std::size_t>(group);
  auto const p = to_plane(planes_[g], direction);
  auto const& move = groups[g];
  double const cosine = std::cos(move.roll), sine = std::sin(move.roll);
  PlanePosition q{cosine * p.x - sine * p.y + move.x, sine * p.x + cosine * p.y + move.y};
  if (auto const& axes = detectors_[static_cast<std::size_t>(image)]; axes.detector >= 0) {
    auto const& offset = offsets[static_cast<std::size_t>(axes.detector)];
    q.x += axes.to_plane[0][0] * offset[0] + axes.to_plane[0][1] * offset[1];
    q.y += axes.to_plane[1][0] * offset[0] + axes.to_plane[1][1] * offset[1];
  }
  return q;
}

sky::Vector3 Adjustment::corrected(sky::Vector3 direction, int group, int image) const {
  if (group == TheDatum) return direction;
  return from_plane(planes_[static_cast<std::size_t>(group)], moved(direction, group, image));
}

std::vector<Residual> Adjustment::residuals(StarChains const& chains, std::span<double const> weights) const {
  TESSERA_EXPECT(weights.size() == chains.members.size());
  std::vector<Residual> result(chains.members.size());
  for (std::size_t chain = 0; chain < chains.size(); ++chain) {
    auto const axes = star_axes(chains, chain);
    double sum_x = 0, sum_y = 0, sum = 0;
    auto const first = chains.start[chain], end = chains.start[chain + 1];
    double total = 0;
    for (auto k = first; k < end; ++k) total += weights[k];
    for (auto k = first; k < end; ++k) {
      auto const& m = chains.members[k];
      auto const z = to_plane(axes, corrected(m.direction, m.group, m.image));
      double const weight = total > 0 ? weights[k] : 1;
      sum_x += weight * z.x;
      sum_y += weight * z.y;
      sum += weight;
      result[k] = {z.x, z.y, weight};
    }
    for (auto k = first; k < end; ++k)
      result[k] = {sum_x / sum - result[k].x, sum_y / sum - result[k].y, result[k].share / sum};
  }
  return result;
}

double Adjustment::roll_weight(double roll) const {
  constexpr double Freedom = 3;
  double const sigma2 = priors_.roll * priors_.roll;
  return sigma2 > 0 ? (Freedom + 1) / (Freedom * sigma2 + roll * roll) : 1e-6;
}

void Adjustment::add_priors(NormalEquations& system) const {
  auto const group_count = static_cast<int>(groups.size()), detectors = static_cast<int>(offsets.size());
  for (int g = 0; g < group_count; ++g) {
    Block block = Block::Zero();
    block(0, 0) = block(1, 1) = 1 / (WeakShift * WeakShift);
    block(2, 2) = priors_.with_rotation ? roll_weight(groups[static_cast<std::size_t>(g)].roll) / (Lever * Lever) : 1;
    system.add(g, g, block);
    // The weak shift only holds the step; the roll prior pulls towards no roll.
    if (priors_.with_rotation)
      system.right(3 * g + 2) -= block(2, 2) * groups[static_cast<std::size_t>(g)].roll * Lever;
  }
  for (int d = 0; d < detectors; ++d) {
    double const weight = priors_.detector > 0 ? 1 / (priors_.detector * priors_.detector) : 1e-6;
    for (int other = 0; other <= d; ++other) {
      Block block = Block::Zero();
      block(0, 0) = block(1, 1) = 1 / (ZeroSum * ZeroSum) + (other == d ? weight : 0);
      block(2, 2) = other == d ? 1 : 0;
      system.add(group_count + d, group_count + other, block);
    }
    for (std::size_t axis = 0; axis < 2; ++axis) {
      double sum = 0;
      for (auto const& offset : offsets) sum += offset[axis];
      system.right(3 * (group_count + d) + static_cast<int>(axis)) -=
          weight * offsets[static_cast<std::size_t>(d)][axis] + sum / (ZeroSum * ZeroSum);
    }
  }
}

double Adjustment::improve(StarChains const& chains, std::span<double const> weights, Covariance make,
                           KindScales const& scales) {
  TESSERA_EXPECT(weights.size() == chains.members.size());
  auto const group_count = static_cast<int>(groups.size());
  auto const nodes = groups.size() + offsets.size();
  NormalEquations system(nodes);
  add_priors(system);
  bool const with_noise = make == Covariance::Make && groups.size() <= MostGroups;
  std::vector<NormalEquations> noise(with_noise ? ErrorKinds : 0, NormalEquations(nodes));
  auto const prior = with_noise ? system.matrix() : Sparse();

  struct Part {
    int node;
    Influence influence;
    double weight;
  };
  using Sums = std::vector<std::pair<int, Influence>>;  // of weight * influence, by node
  auto const add_sum = [](Sums& list, int node, Influence const& influence) {
    for (auto& [known, sum] : list)
      if (known == node) {
        sum += influence;
        return;
      }
    list.emplace_back(node, influence);
  };
  std::vector<Part> parts;  // of the members of one chain
  Sums sums;
  std::array<Sums, ErrorKinds> sums_of;
  std::vector<std::pair<std::size_t, PlanePosition>> seen;  // members with weight and where they are
  for (std::size_t chain = 0; chain < chains.size(); ++chain) {
    auto const axes = star_axes(chains, chain);
    double total = 0, mean_x = 0, mean_y = 0;
    seen.clear();
    for (auto k = chains.start[chain]; k < chains.start[chain + 1]; ++k) {
      if (weights[k] <= 0) continue;
      auto const& m = chains.members[k];
      auto const z = to_plane(axes, corrected(m.direction, m.group, m.image));
      seen.emplace_back(k, z);
      total += weights[k];
      mean_x += weights[k] * z.x;
      mean_y += weights[k] * z.y;
    }
    if (seen.size() < 2) continue;
    mean_x /= total;
    mean_y /= total;
    sums.clear();
    for (auto& one : sums_of) one.clear();
    KindScales total_of{};
    for (auto const& [k, z] : seen) {
      auto const& m = chains.members[k];
      auto const kind = static_cast<std::size_t>(m.kind);
      total_of[kind] += weights[k];
      if (m.group == TheDatum) continue;
      auto const& plane = planes_[static_cast<std::size_t>(m.group)];
      Eigen::Matrix2d turn;  // displacements in the plane of the group, in that of the star
      turn << sky::dot(axes.east, plane.east), sky::dot(axes.east, plane.north), sky::dot(axes.north, plane.east),
          sky::dot(axes.north, plane.north);
      auto const& move = groups[static_cast<std::size_t>(m.group)];
      auto const p = to_plane(plane, m.direction);
      double const cosine = std::cos(move.roll), sine = std::sin(move.roll);
      Influence influence;
      influence.leftCols<2>() = turn;
      influence.col(2).setZero();
      if (priors_.with_rotation)
        influence.col(2) = turn * Eigen::Vector2d(-sine * p.x - cosine * p.y, cosine * p.x - sine * p.y) / Lever;
      parts.clear();
      parts.push_back({m.group, influence, weights[k]});
      if (auto const& detector = detectors_[static_cast<std::size_t>(m.image)]; detector.detector >= 0) {
        Eigen::Matrix2d frame;
        frame << detector.to_plane[0][0], detector.to_plane[0][1], detector.to_plane[1][0], detector.to_plane[1][1];
        Influence offset = Influence::Zero();
        offset.leftCols<2>() = turn * frame;
        parts.push_back({group_count + detector.detector, offset, weights[k]});
      }
      Eigen::Vector2d const residual(mean_x - z.x, mean_y - z.y);
      for (auto const& a : parts) {
        system.right.segment<3>(3 * a.node) += a.weight * a.influence.transpose() * residual;
        for (auto const& b : parts) {
          Block const block = a.weight * a.influence.transpose() * b.influence;
          system.add(a.node, b.node, block);
          if (with_noise) noise[kind].add(a.node, b.node, block);
        }
        add_sum(sums, a.node, a.weight * a.influence);
        if (with_noise) add_sum(sums_of[kind], a.node, a.weight * a.influence);
      }
    }
    for (auto const& [a, first] : sums)
      for (auto const& [b, second] : sums)
        if (a >= b) system.add(a, b, -first.transpose() * second / total);
    // The error of a member moves the right side by its weight times (its influence - the mean influence): squares of
    // these, of the members of each kind.
    for (std::size_t kind = 0; with_noise && kind < ErrorKinds; ++kind) {
      if (total_of[kind] <= 0) continue;
      for (auto const& [a, first] : sums)
        for (auto const& [b, second] : sums)
          if (a >= b) noise[kind].add(a, b, total_of[kind] / (total * total) * first.transpose() * second);
      for (auto const& [a, own] : sums_of[kind])
        for (auto const& [b, mean] : sums) {
          Block const block = own.transpose() * mean / total;
          noise[kind].add(a, b, -block);
          noise[kind].add(b, a, -block.transpose());
        }
    }
  }

  auto const matrix = system.matrix();
  Solver const solver(matrix);
  TESSERA_EXPECT(solver.info() == Eigen::Success);  // the priors make it positive definite
  Eigen::VectorXd const step = solver.solve(system.right);
  double largest = 0;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    auto const at = static_cast<Eigen::Index>(3 * g);
    groups[g].x += step(at);
    groups[g].y += step(at + 1);
    if (priors_.with_rotation) groups[g].roll += step(at + 2) / Lever;
    largest = std::max(largest, step.segment<3>(at).cwiseAbs().maxCoeff());
  }
  for (std::size_t d = 0; d < offsets.size(); ++d) {
    auto const at = static_cast<Eigen::Index>(3 * (groups.size() + d));
    offsets[d][0] += step(at);
    offsets[d][1] += step(at + 1);
    largest = std::max(largest, step.segment<2>(at).cwiseAbs().maxCoeff());
  }
  if (make == Covariance::Leave) return largest;

  covariance_.clear();
  free_parameters_.fill(0);
  if (!with_noise) return largest;
  std::array<Sparse, ErrorKinds> noise_of;
  Sparse all = prior;
  for (std::size_t kind = 0; kind < ErrorKinds; ++kind) {
    noise_of[kind] = noise[kind].matrix();
    all += scales[kind] * noise_of[kind];
  }
  auto inverse = invert(solver, static_cast<Eigen::Index>(3 * groups.size()), noise_of, all);
  covariance_ = std::move(inverse.covariance);
  free_parameters_ = inverse.freedom;
  return largest;
}

}  // namespace tessera::exchange
