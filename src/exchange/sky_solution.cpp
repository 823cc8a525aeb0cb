#include "tessera/exchange/sky_solution.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <utility>

#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"

namespace tessera::exchange {

namespace {

constexpr double NaN = std::numeric_limits<double>::quiet_NaN();
constexpr double SingularCut = 1e-12;
/// Rounds of refinement by the residuals: forces of the first are large and cancel, later ones are small.
constexpr int Refinements = 3;

/// One row W d_first - W d_second = W difference, items numbered within their component.
struct Row {
  int first, second;
  double weight, difference;
};

std::vector<double> solve_dense(int items, std::vector<Row> const& rows) {
  Eigen::MatrixXd system = Eigen::MatrixXd::Zero(static_cast<Eigen::Index>(rows.size()), items);
  Eigen::VectorXd right(static_cast<Eigen::Index>(rows.size()));
  for (std::size_t k = 0; k < rows.size(); ++k) {
    auto const row = static_cast<Eigen::Index>(k);
    system(row, rows[k].first) = rows[k].weight;
    system(row, rows[k].second) = -rows[k].weight;
    right(row) = rows[k].weight * rows[k].difference;
  }
  Eigen::JacobiSVD<Eigen::MatrixXd> decomposition(system, Eigen::ComputeThinU | Eigen::ComputeThinV);
  decomposition.setThreshold(SingularCut);
  Eigen::VectorXd const sky = decomposition.solve(right);
  return {sky.begin(), sky.end()};
}

/// Factors of the normal equations of a connected set: items in the order they were eliminated, each with the springs
/// (weight squared) to the items that were left. Taking an item out of a net of springs joins its neighbours by springs
/// of their own; nothing is ever subtracted, so that weights of any ratio keep their digits, where a factorisation of
/// the matrix would lose a thin overlap between two thick ones.
struct SpringNet {
  struct Step {
    int item;
    double total;
    std::vector<std::pair<int, double>> springs;
  };
  std::vector<Step> steps;
};

/// Items with fewest neighbours go first, of those the lowest; the last one is held at zero.
SpringNet eliminate(int items, std::vector<Row> const& rows) {
  std::vector<std::map<int, double>> springs(static_cast<std::size_t>(items));
  for (auto const& row : rows) {
    springs[static_cast<std::size_t>(row.first)][row.second] += row.weight * row.weight;
    springs[static_cast<std::size_t>(row.second)][row.first] += row.weight * row.weight;
  }
  std::set<std::pair<std::size_t, int>> queue;
  for (int item = 0; item < items; ++item) queue.emplace(springs[static_cast<std::size_t>(item)].size(), item);
  SpringNet net;
  while (queue.size() > 1) {
    int const item = queue.begin()->second;
    queue.erase(queue.begin());
    auto const mine = std::move(springs[static_cast<std::size_t>(item)]);
    SpringNet::Step step{item, 0, {mine.begin(), mine.end()}};
    for (auto const& [neighbour, spring] : mine) step.total += spring;
    for (auto const& [a, to_a] : mine) {
      auto& of_a = springs[static_cast<std::size_t>(a)];
      queue.erase({of_a.size(), a});
      of_a.erase(item);
      for (auto const& [b, to_b] : mine)
        if (b != a) of_a[b] += to_a * (to_b / step.total);
      queue.emplace(of_a.size(), a);
    }
    net.steps.push_back(std::move(step));
  }
  return net;
}

/// Displacements under `force` (which sums to zero), the last item held.
std::vector<double> displace(SpringNet const& net, std::vector<double> force) {
  for (auto const& step : net.steps)
    for (auto const& [neighbour, spring] : step.springs)
      force[static_cast<std::size_t>(neighbour)] += spring / step.total * force[static_cast<std::size_t>(step.item)];
  std::vector<double> moved(force.size(), 0.0);
  for (std::size_t k = net.steps.size(); k-- > 0;) {
    auto const& step = net.steps[k];
    double sum = force[static_cast<std::size_t>(step.item)];
    for (auto const& [neighbour, spring] : step.springs) sum += spring * moved[static_cast<std::size_t>(neighbour)];
    moved[static_cast<std::size_t>(step.item)] = sum / step.total;
  }
  return moved;
}

std::vector<double> solve_sparse(int items, std::vector<Row> const& rows) {
  auto const net = eliminate(items, rows);
  std::vector<double> sky(static_cast<std::size_t>(items), 0.0);
  for (int round = 0; round <= Refinements; ++round) {
    std::vector<double> force(sky.size(), 0.0);
    for (auto const& row : rows) {
      auto const a = static_cast<std::size_t>(row.first), b = static_cast<std::size_t>(row.second);
      double const pull = row.weight * row.weight * (row.difference - (sky[a] - sky[b]));
      force[a] += pull;
      force[b] -= pull;
    }
    auto const correction = displace(net, std::move(force));
    for (std::size_t k = 0; k < sky.size(); ++k) sky[k] += correction[k];
  }
  double const mean = std::accumulate(sky.begin(), sky.end(), 0.0) / items;
  for (double& value : sky) value -= mean;
  return sky;
}

double largest_or_least(std::span<double const> values, bool least) {
  double chosen = NaN;
  for (double const value : values)
    if (std::isnan(chosen) || (least ? value < chosen : value > chosen)) chosen = value;
  return chosen;
}

}  // namespace

SkyMethod parse_sky_method(std::string_view name) {
  if (name == "local") return SkyMethod::Local;
  if (name == "global") return SkyMethod::Global;
  if (name == "match") return SkyMethod::Match;
  if (name == "global+match") return SkyMethod::GlobalMatch;
  if (name == "user") return SkyMethod::User;
  throw ConfigError({.what = "unknown method of sky matching",
                     .where = "skymethod",
                     .expected = "local, global, match, global+match or user",
                     .found = std::string(name),
                     .remedy = "choose one of these"});
}

std::vector<int> connect_items(int items, std::span<SkyOverlap const> overlaps) {
  std::vector<int> parent(static_cast<std::size_t>(items));
  std::iota(parent.begin(), parent.end(), 0);
  auto const root = [&](int item) {
    while (parent[static_cast<std::size_t>(item)] != item) {
      auto& up = parent[static_cast<std::size_t>(item)];
      up = parent[static_cast<std::size_t>(up)];
      item = up;
    }
    return item;
  };
  for (auto const& overlap : overlaps) {
    int const a = root(overlap.first), b = root(overlap.second);
    parent[static_cast<std::size_t>(std::max(a, b))] = std::min(a, b);
  }
  std::vector<int> component(parent.size());
  int count = 0;
  for (int item = 0; item < items; ++item)  // the root is the first item of its set
    component[static_cast<std::size_t>(item)] =
        root(item) == item ? count++ : component[static_cast<std::size_t>(root(item))];
  return component;
}

std::vector<double> solve_sky_match(int items, std::span<SkyOverlap const> overlaps, int largest_dense) {
  auto const component = connect_items(items, overlaps);
  int const components = items == 0 ? 0 : 1 + *std::max_element(component.begin(), component.end());
  std::vector<std::vector<int>> members(static_cast<std::size_t>(components));
  std::vector<int> place(static_cast<std::size_t>(items));  // of the item among the members of its component
  for (int item = 0; item < items; ++item) {
    auto& mine = members[static_cast<std::size_t>(component[static_cast<std::size_t>(item)])];
    place[static_cast<std::size_t>(item)] = static_cast<int>(mine.size());
    mine.push_back(item);
  }
  double heaviest = 0;
  for (auto const& o : overlaps) heaviest = std::max(heaviest, (o.pixels_first + o.pixels_second) / 2);
  std::vector<std::vector<Row>> rows(members.size());
  for (auto const& o : overlaps) {
    TESSERA_EXPECT(o.pixels_first + o.pixels_second > 0 && o.first != o.second);
    rows[static_cast<std::size_t>(component[static_cast<std::size_t>(o.first)])].push_back(
        {place[static_cast<std::size_t>(o.first)], place[static_cast<std::size_t>(o.second)],
         (o.pixels_first + o.pixels_second) / 2 / heaviest, o.sky_first - o.sky_second});
  }
  std::vector<double> sky(static_cast<std::size_t>(items), NaN);
  for (std::size_t c = 0; c < members.size(); ++c) {
    int const size = static_cast<int>(members[c].size());
    if (size < 2) continue;
    auto const solution = size <= largest_dense ? solve_dense(size, rows[c]) : solve_sparse(size, rows[c]);
    for (int k = 0; k < size; ++k)
      sky[static_cast<std::size_t>(members[c][static_cast<std::size_t>(k)])] = solution[static_cast<std::size_t>(k)];
  }
  return sky;
}

std::vector<double> choose_skies(SkyMethod method, bool match_down, std::span<double const> levels,
                                 std::span<SkyOverlap const> overlaps) {
  if (method == SkyMethod::Local) return {levels.begin(), levels.end()};
  if (method == SkyMethod::Global) return std::vector<double>(levels.size(), largest_or_least(levels, true));
  TESSERA_EXPECT(method != SkyMethod::User);

  auto sky = solve_sky_match(static_cast<int>(levels.size()), overlaps);
  double const zero = largest_or_least(sky, match_down);
  for (double& value : sky) value -= zero;
  if (method == SkyMethod::Match) return sky;

  // Items that nothing overlaps take part with a match of zero.
  std::vector<double> rest;
  for (std::size_t k = 0; k < sky.size(); ++k) {
    if (std::isnan(sky[k])) sky[k] = 0;
    rest.push_back(levels[k] - sky[k]);
  }
  double const common = largest_or_least(rest, true);
  for (double& value : sky) value += common;
  return sky;
}

}  // namespace tessera::exchange
