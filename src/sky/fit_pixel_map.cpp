#include "fit_pixel_map.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "tessera/sky/make_pixel_map.hpp"

namespace tessera::sky {

namespace {

using model::PixelMap;

constexpr int FirstDegree = 4;
constexpr double WantedMargin = 16;        ///< pixels about the box wanted in which positions are kept
constexpr int CheckCount = 4;              ///< check points an axis
constexpr std::size_t BatchPoints = 2048;  ///< positions a call of the WCS: its work arrays stay in the cache
constexpr double Size = PixelMap::PatchSize;

/// Points an axis of a fit of one degree on the interval [-1, 1], and what turns values there into coefficients.
struct Axis {
  std::vector<double> nodes;        ///< Chebyshev nodes
  std::vector<double> checks;       ///< extrema of the first polynomial left out: the error of a smooth map peaks there
  Eigen::MatrixXd to_coefficients;  ///< coefficient k = sum over nodes n of (k, n) * value n
  Eigen::MatrixXd at_checks;        ///< T_k at check point c: (c, k)
};

double chebyshev(int k, double u) { return std::cos(k * std::acos(std::clamp(u, -1.0, 1.0))); }

Axis make_axis(int degree) {
  int const n = degree + 1;
  Axis axis;
  for (int k = 0; k < n; ++k) axis.nodes.push_back(-std::cos(std::numbers::pi * (k + 0.5) / n));
  // both ends and two points inside, near -1/2 and 1/2
  int const inner = std::max(1, static_cast<int>(std::lround(n / 3.0)));
  for (int const k : {0, inner, n - inner, n}) axis.checks.push_back(-std::cos(std::numbers::pi * k / n));
  axis.to_coefficients.resize(n, n);
  axis.at_checks.resize(CheckCount, n);
  for (int k = 0; k < n; ++k) {
    for (int i = 0; i < n; ++i)
      axis.to_coefficients(k, i) = (k == 0 ? 1.0 : 2.0) / n * chebyshev(k, axis.nodes[static_cast<std::size_t>(i)]);
    for (int c = 0; c < CheckCount; ++c) axis.at_checks(c, k) = chebyshev(k, axis.checks[static_cast<std::size_t>(c)]);
  }
  return axis;
}

/// An interval of the scaled coordinate of a patch.
struct Interval {
  double low = -1, high = 1;
  double at(double t) const { return 0.5 * (low + high) + 0.5 * (high - low) * t; }
  bool whole() const { return low == -1 && high == 1; }
};

/// Chebyshev coefficients in t on `interval` to those in u on [-1, 1], by the values of T_k(t(u)) at the nodes.
Eigen::MatrixXd rescaling(Interval const& interval, Axis const& axis) {
  auto const n = static_cast<Eigen::Index>(axis.nodes.size());
  Eigen::MatrixXd values(n, n);
  for (Eigen::Index node = 0; node < n; ++node) {
    double const t = (2 * axis.nodes[static_cast<std::size_t>(node)] - interval.low - interval.high) /
                     (interval.high - interval.low);
    double before = 1, now = t;  // t leaves [-1, 1]: the recurrence, not the cosine
    for (Eigen::Index k = 0; k < n; ++k) {
      values(node, k) = before;
      double const next = 2 * t * now - before;
      before = now;
      now = next;
    }
  }
  return axis.to_coefficients * values;
}

/// A patch on its way: its number, corner and the part of it that is fitted.
struct Task {
  std::size_t patch = 0;
  double corner_x = 0, corner_y = 0;
  Interval u, v;
  double error = std::numeric_limits<double>::infinity();  ///< of the fit kept so far
};

double to_pixel(double corner, double u) { return corner + 0.5 * ((u + 1) * Size - 1); }

void append_points(Task const& task, std::vector<double> const& t, std::vector<double>& x, std::vector<double>& y) {
  for (double const tv : t)
    for (double const tu : t) {
      x.push_back(to_pixel(task.corner_x, task.u.at(tu)));
      y.push_back(to_pixel(task.corner_y, task.v.at(tv)));
    }
}

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Coefficients (j, i) from the values (row, column) at the nodes; the largest difference at the check points.
RowMajor fit_values(double const* at_nodes, double const* at_checks, Axis const& axis, double& error) {
  auto const n = static_cast<Eigen::Index>(axis.nodes.size());
  Eigen::Map<RowMajor const> const values(at_nodes, n, n);
  Eigen::Map<RowMajor const> const checks(at_checks, CheckCount, CheckCount);
  RowMajor c = axis.to_coefficients * values * axis.to_coefficients.transpose();
  // written with std::max so that NaN ends as infinity
  RowMajor const difference = axis.at_checks * c * axis.at_checks.transpose() - checks;
  for (Eigen::Index k = 0; k < difference.size(); ++k) {
    double const d = std::abs(difference.data()[k]);
    error = std::max(error, std::isfinite(d) ? d : std::numeric_limits<double>::infinity());
  }
  return c;
}

/// Fits all tasks at one degree and keeps a fit that is better than what the patch had.
void fit_patches(std::vector<Task>& tasks, int degree, ExactPositions const& exact, PixelMap& map) {
  Axis const axis = make_axis(degree);
  std::size_t const node_count = axis.nodes.size() * axis.nodes.size();
  std::size_t const point_count = node_count + CheckCount * CheckCount;
  std::size_t const tasks_a_batch = std::max<std::size_t>(1, BatchPoints / point_count);
  std::vector<double> x, y;
  for (std::size_t begin = 0; begin < tasks.size(); begin += tasks_a_batch) {
    std::size_t const end = std::min(tasks.size(), begin + tasks_a_batch);
    x.clear();
    y.clear();
    for (std::size_t k = begin; k < end; ++k) {
      append_points(tasks[k], axis.nodes, x, y);
      append_points(tasks[k], axis.checks, x, y);
    }
    exact(x, y);
    for (std::size_t k = begin; k < end; ++k) {
      auto& task = tasks[k];
      double const* const X = x.data() + (k - begin) * point_count;
      double const* const Y = y.data() + (k - begin) * point_count;
      double error = 0;
      RowMajor cx = fit_values(X, X + node_count, axis, error), cy = fit_values(Y, Y + node_count, axis, error);
      if (!(error < task.error)) continue;
      if (!task.u.whole() || !task.v.whole()) {
        auto const in_u = rescaling(task.u, axis), in_v = rescaling(task.v, axis);
        cx = in_v * cx * in_u.transpose();
        cy = in_v * cy * in_u.transpose();
      }
      task.error = error;
      auto& patch = map.patches[task.patch];
      patch.degree = degree;
      patch.finite = true;
      patch.x.assign(cx.data(), cx.data() + cx.size());
      patch.y.assign(cy.data(), cy.data() + cy.size());
    }
  }
}

/// Raises the degree of the tasks that need it. Those that have no finite value at all are given up at once.
/// Returns the tasks that stay above the tolerance; `largest` takes in the errors of the others.
std::vector<Task> fit_to_tolerance(std::vector<Task> tasks, ExactPositions const& exact, PixelMap& map,
                                   double& largest) {
  std::vector<Task> failed;
  for (int degree = FirstDegree; degree <= PixelMap::MaxDegree && !tasks.empty(); degree += 2) {
    fit_patches(tasks, degree, exact, map);
    std::vector<Task> open;
    for (auto const& task : tasks) {
      if (task.error <= PixelMapTolerance)
        largest = std::max(largest, task.error);
      else if (!std::isfinite(task.error))
        failed.push_back(task);
      else
        open.push_back(task);
    }
    tasks = std::move(open);
  }
  failed.insert(failed.end(), tasks.begin(), tasks.end());
  return failed;
}

/// The part of a patch that pixels low <= p < high take up, edges included, in its scaled coordinate.
Interval part_of_patch(double corner, std::int64_t low, std::int64_t high) {
  auto const scaled = [&](double edge) { return 2 * (edge - corner) / Size - 1; };
  return {std::max(-1.0, scaled(static_cast<double>(low))), std::min(1.0, scaled(static_cast<double>(high)))};
}

/// True when all positions lie clear of one side of `wanted`. The corners of a patch are among its check points, and
/// maps bend little within a patch, so that points in between do not reach much further: hence the margin.
bool misses(double const* x, double const* y, std::size_t count, model::PixelBox const& wanted) {
  auto const [x_low, x_high] = std::minmax_element(x, x + count);
  auto const [y_low, y_high] = std::minmax_element(y, y + count);
  return *x_high < static_cast<double>(wanted.x0) - WantedMargin ||
         *x_low > static_cast<double>(wanted.x1) + WantedMargin ||
         *y_high < static_cast<double>(wanted.y0) - WantedMargin ||
         *y_low > static_cast<double>(wanted.y1) + WantedMargin;
}

/// The tasks whose patches reach `wanted`, looked for at the check points of the first degree.
std::vector<Task> those_wanted(std::vector<Task> const& tasks, ExactPositions const& exact,
                               model::PixelBox const& wanted) {
  auto const checks = make_axis(FirstDegree).checks;
  constexpr std::size_t Points = CheckCount * CheckCount;
  std::vector<double> x, y;
  for (auto const& task : tasks) append_points(task, checks, x, y);
  exact(x, y);
  std::vector<Task> kept;
  for (std::size_t k = 0; k < tasks.size(); ++k)
    if (!misses(x.data() + k * Points, y.data() + k * Points, Points, wanted)) kept.push_back(tasks[k]);
  return kept;
}

}  // namespace

void fit_pixel_map(PixelMap& map, ExactPositions const& exact, std::optional<model::PixelBox> wanted) {
  map.patches.resize(static_cast<std::size_t>(map.patch_columns() * map.patch_rows()));
  for (auto& patch : map.patches) patch.finite = false;

  std::vector<Task> tasks;
  for (std::int64_t row = 0; row < map.patch_rows(); ++row)
    for (std::int64_t column = 0; column < map.patch_columns(); ++column) {
      std::int64_t const x = column * PixelMap::PatchSize, y = row * PixelMap::PatchSize;
      if (model::intersect({x, y, x + PixelMap::PatchSize, y + PixelMap::PatchSize}, map.valid).empty()) continue;
      Task task;
      task.patch = static_cast<std::size_t>(row * map.patch_columns() + column);
      task.corner_x = static_cast<double>(x);
      task.corner_y = static_cast<double>(y);
      tasks.push_back(task);
    }
  if (wanted) tasks = those_wanted(tasks, exact, *wanted);
  auto failed = fit_to_tolerance(std::move(tasks), exact, map, map.largest_error);

  // What lies outside the valid pixels may be wild or have no value: do without it where a patch is cut.
  std::vector<Task> cut;
  for (auto& task : failed) {
    auto const u = part_of_patch(task.corner_x, map.valid.x0, map.valid.x1);
    auto const v = part_of_patch(task.corner_y, map.valid.y0, map.valid.y1);
    if (u.whole() && v.whole()) {
      if (std::isfinite(task.error)) map.largest_error = std::max(map.largest_error, task.error);
      continue;
    }
    map.patches[task.patch] = {.degree = 0, .finite = false, .x = {}, .y = {}};
    task.u = u;
    task.v = v;
    task.error = std::numeric_limits<double>::infinity();
    cut.push_back(task);
  }
  for (auto const& task : fit_to_tolerance(std::move(cut), exact, map, map.largest_error))
    if (std::isfinite(task.error)) map.largest_error = std::max(map.largest_error, task.error);
}

}  // namespace tessera::sky
