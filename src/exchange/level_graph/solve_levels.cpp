#include <Eigen/SparseCholesky>
#include <Eigen/SparseCore>
#include <algorithm>
#include <array>
#include <map>

#include "image_groups.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/exchange/level_graph.hpp"

namespace tessera::exchange {

namespace {

using Coefficients = std::array<double, 3>;  ///< slope in x, slope in y, level

/// What the pair says of the three coefficients; a pair without a plane says that the slopes are the same.
Coefficients coefficients_of(PairMeasurement const& pair, bool with_slope) {
  if (with_slope && pair.has_plane) return {pair.plane.slope_x, pair.plane.slope_y, pair.plane.level};
  return {0, 0, pair.delta};
}

/// The images of a group and the pairs among them.
struct Group {
  std::vector<int> images;
  std::vector<std::size_t> pairs;
};

std::vector<Group> find_groups(std::span<PairMeasurement const> pairs, PairSelection const& selection, int images,
                               LevelSolution& solution) {
  ImageGroups sets(images);
  std::vector<bool> takes_part(static_cast<std::size_t>(images), false);
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    if (!is_used(selection.verdict[k])) continue;
    sets.join(pairs[k].first, pairs[k].second);
    takes_part[static_cast<std::size_t>(pairs[k].first)] = takes_part[static_cast<std::size_t>(pairs[k].second)] = true;
  }
  std::vector<Group> groups;
  for (int image = 0; image < images; ++image) {
    if (!takes_part[static_cast<std::size_t>(image)]) {
      ++solution.isolated;
      continue;
    }
    // The name of a set is its lowest member, which comes first.
    auto& number = solution.component[static_cast<std::size_t>(image)];
    auto const name = sets.find(image);
    if (name == image) {
      number = static_cast<int>(groups.size());
      groups.emplace_back();
    } else {
      number = solution.component[static_cast<std::size_t>(name)];
    }
    groups[static_cast<std::size_t>(number)].images.push_back(image);
  }
  for (std::size_t k = 0; k < pairs.size(); ++k)
    if (is_used(selection.verdict[k]))
      groups[static_cast<std::size_t>(solution.component[static_cast<std::size_t>(pairs[k].first)])].pairs.push_back(k);
  return groups;
}

/// The image with most used pairs; ties: most pixels, then the lowest.
int most_paired(Group const& group, std::span<PairMeasurement const> pairs) {
  struct Count {
    std::int64_t pairs = 0, pixels = 0;
  };
  std::map<int, Count> counts;
  for (auto const k : group.pairs)
    for (int const image : {pairs[k].first, pairs[k].second}) {
      ++counts[image].pairs;
      counts[image].pixels += pairs[k].n_pix;
    }
  int best = group.images.front();
  for (auto const& [image, count] : counts) {
    auto const& top = counts[best];
    if (count.pairs > top.pairs || (count.pairs == top.pairs && count.pixels > top.pixels)) best = image;
  }
  return best;
}

/// Corrections of the images of a group with its first image at 0.
std::vector<Coefficients> solve_group(Group const& group, std::span<PairMeasurement const> pairs,
                                      PairSelection const& selection, bool with_slope) {
  auto const unknowns = static_cast<Eigen::Index>(group.images.size()) - 1;
  auto const column_of = [&](int image) {
    return static_cast<Eigen::Index>(std::lower_bound(group.images.begin(), group.images.end(), image) -
                                     group.images.begin()) -
           1;
  };
  std::vector<Eigen::Triplet<double>> entries;
  Eigen::MatrixXd right = Eigen::MatrixXd::Zero(unknowns, 3);
  for (auto const k : group.pairs) {
    double const weight = selection.weight[k];
    auto const first = column_of(pairs[k].first), second = column_of(pairs[k].second);
    auto const delta = coefficients_of(pairs[k], with_slope);
    if (first >= 0) entries.emplace_back(first, first, weight);
    if (second >= 0) entries.emplace_back(second, second, weight);
    if (first >= 0 && second >= 0) entries.emplace_back(second, first, -weight);  // the lower triangle
    for (int c = 0; c < 3; ++c) {
      if (first >= 0) right(first, c) += weight * delta[static_cast<std::size_t>(c)];
      if (second >= 0) right(second, c) -= weight * delta[static_cast<std::size_t>(c)];
    }
  }
  Eigen::SparseMatrix<double> laplacian(unknowns, unknowns);
  laplacian.setFromTriplets(entries.begin(), entries.end());
  Eigen::SimplicialLDLT<Eigen::SparseMatrix<double>> const solver(laplacian);
  TESSERA_EXPECT(solver.info() == Eigen::Success);  // connected and of positive weights: positive definite
  Eigen::MatrixXd solution = solver.solve(right);
  // One step of refinement: weights may differ by many orders of magnitude.
  Eigen::MatrixXd const rest = right - laplacian.selfadjointView<Eigen::Lower>() * solution;
  solution += solver.solve(rest);
  std::vector<Coefficients> corrections(group.images.size(), Coefficients{});
  for (Eigen::Index k = 0; k < unknowns; ++k)
    for (int c = 0; c < 3; ++c)
      corrections[static_cast<std::size_t>(k) + 1][static_cast<std::size_t>(c)] = solution(k, c);
  return corrections;
}

}  // namespace

LevelSolution solve_levels(std::span<PairMeasurement const> pairs, PairSelection const& selection, int images,
                           LevelGraphOptions const& options, Gauge const& gauge) {
  TESSERA_EXPECT(selection.verdict.size() == pairs.size() && selection.weight.size() == pairs.size());
  LevelSolution solution;
  solution.correction.resize(static_cast<std::size_t>(images));
  solution.component.assign(static_cast<std::size_t>(images), -1);
  for (auto const& group : find_groups(pairs, selection, images, solution)) {
    auto const corrections = solve_group(group, pairs, selection, options.with_slope);
    bool const has_image = std::binary_search(group.images.begin(), group.images.end(), gauge.image);
    int const reference = gauge.kind == Gauge::Kind::Mean                 ? -1
                          : gauge.kind == Gauge::Kind::Image && has_image ? gauge.image
                                                                          : most_paired(group, pairs);
    solution.reference.push_back(reference);
    Coefficients zero{};
    for (std::size_t k = 0; k < group.images.size(); ++k)
      for (std::size_t c = 0; c < 3; ++c) {
        if (reference < 0) zero[c] += corrections[k][c] / static_cast<double>(group.images.size());
        if (group.images[k] == reference) zero[c] = corrections[k][c];
      }
    for (std::size_t k = 0; k < group.images.size(); ++k)
      solution.correction[static_cast<std::size_t>(group.images[k])] = {
          corrections[k][0] - zero[0], corrections[k][1] - zero[1], corrections[k][2] - zero[2]};
  }
  return solution;
}

}  // namespace tessera::exchange
