#include "tessera/kernels/pca_stripes.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "counter_noise.hpp"
#include "row_medians.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/kernels/robust_pca.hpp"
#include "tessera/kernels/running_filter.hpp"

namespace tessera::kernels {

namespace {

constexpr double MostMasked = 0.25;   ///< of a column that is trained on in any case
constexpr double LeastTrained = 0.5;  ///< of the columns
constexpr double LowPercentile = 0.16, HighPercentile = 0.84;
constexpr double AboveNoise = 1.5;  ///< times the largest variance that components of white noise have
constexpr double Ridge = 1e-9;
constexpr std::int64_t LeastColumns = 8;

/// The columns of an amplifier, scaled; a column is contiguous.
struct Columns {
  std::int64_t count = 0, length = 0;
  std::vector<double> values;  ///< masked ones: median of their row
  std::vector<std::uint8_t> known;
  double median = 0, width = 1;

  double const* column(std::int64_t x) const { return values.data() + x * length; }
  std::uint8_t const* known_of(std::int64_t x) const { return known.data() + x * length; }
  std::int64_t count_known(std::int64_t x) const {
    return std::count_if(known_of(x), known_of(x) + length, [](std::uint8_t one) { return one != 0; });
  }
};

double quantile(std::vector<float> const& sorted, double fraction) {
  return static_cast<double>(sorted[static_cast<std::size_t>(fraction * static_cast<double>(sorted.size() - 1))]);
}

Columns scale_columns(std::span<float const> image, std::span<std::uint8_t const> mask, std::int64_t nx,
                      std::int64_t ny, std::int64_t x0, std::int64_t x1) {
  Columns columns;
  auto const is_used = [&](std::size_t k) { return mask[k] == 0 && std::isfinite(image[k]); };
  std::vector<float> used;
  for (std::int64_t y = 0; y < ny; ++y)
    for (auto x = x0; x < x1; ++x)
      if (auto const k = static_cast<std::size_t>(y * nx + x); is_used(k)) used.push_back(image[k]);
  if (used.empty()) return columns;
  std::sort(used.begin(), used.end());
  double const width = quantile(used, HighPercentile) - quantile(used, LowPercentile);
  if (!(width > 0)) return columns;
  columns.median = median_in_place(std::span(used));
  columns.width = width;
  columns.count = x1 - x0;
  columns.length = ny;
  std::vector<double> rows;
  for (auto const& median : find_row_medians<float>(image, mask, nx, ny, x0, x1, {})) rows.push_back(median.value);
  fill_gaps(std::span(rows));
  for (auto x = x0; x < x1; ++x)
    for (std::int64_t y = 0; y < ny; ++y) {
      auto const k = static_cast<std::size_t>(y * nx + x);
      double const value = is_used(k) ? static_cast<double>(image[k]) : rows[static_cast<std::size_t>(y)];
      columns.values.push_back((value - columns.median) / columns.width + 1);
      columns.known.push_back(is_used(k));
    }
  return columns;
}

/// Those with least masked.
std::vector<std::int64_t> choose_columns(Columns const& columns) {
  std::vector<std::int64_t> chosen(static_cast<std::size_t>(columns.count)), known;
  std::iota(chosen.begin(), chosen.end(), std::int64_t{0});
  for (auto const x : chosen) known.push_back(columns.count_known(x));
  std::stable_sort(chosen.begin(), chosen.end(), [&](std::int64_t a, std::int64_t b) {
    return known[static_cast<std::size_t>(a)] > known[static_cast<std::size_t>(b)];
  });
  auto const least = static_cast<std::size_t>(std::ceil(LeastTrained * static_cast<double>(columns.count)));
  double const enough = (1 - MostMasked) * static_cast<double>(columns.length);
  auto const poor = std::find_if(chosen.begin(), chosen.end(), [&](std::int64_t x) {
    return static_cast<double>(known[static_cast<std::size_t>(x)]) <= enough;
  });
  chosen.resize(std::max(least, static_cast<std::size_t>(poor - chosen.begin())));
  std::erase_if(chosen, [&](std::int64_t x) { return known[static_cast<std::size_t>(x)] == 0; });
  return chosen;
}

/// The chosen columns and as many turned round, in random order.
Columns make_training_set(Columns const& columns, std::vector<std::int64_t> const& chosen, std::uint64_t seed) {
  auto const once = static_cast<std::int64_t>(chosen.size());
  std::vector<std::int64_t> order(static_cast<std::size_t>(2 * once));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  for (std::uint64_t k = order.size() - 1; k > 0; --k) std::swap(order[k], order[random_bits(seed, k) % (k + 1)]);
  Columns set;
  set.count = 2 * once;
  set.length = columns.length;
  for (auto const k : order) {
    auto const x = chosen[static_cast<std::size_t>(k % once)];
    auto const shift = k < once ? std::int64_t{0}
                                : static_cast<std::int64_t>(random_bits(~seed, static_cast<std::uint64_t>(k)) %
                                                            static_cast<std::uint64_t>(columns.length));
    for (std::int64_t y = 0; y < columns.length; ++y) {
      auto const from = (y + shift) % columns.length;
      set.values.push_back(columns.column(x)[from]);
      set.known.push_back(columns.known_of(x)[from]);
    }
  }
  return set;
}

/// How many components are stronger than those of as many vectors of white noise.
std::size_t count_significant(PrincipalComponents const& found, std::int64_t vectors, int most) {
  double const ratio = std::sqrt(static_cast<double>(found.length) / static_cast<double>(vectors));
  double const edge = AboveNoise * found.noise * (1 + ratio) * (1 + ratio);
  std::size_t count = 0;
  while (count < found.variances.size() && count < static_cast<std::size_t>(most) && found.variances[count] > edge)
    ++count;
  return count;
}

/// What mean and components make of a column, from what is known of it; its mean taken off.
Eigen::VectorXd rebuild(Columns const& columns, std::int64_t x, Eigen::MatrixXd const& basis) {
  Eigen::Index const length = columns.length;
  auto const* const known = columns.known_of(x);
  Eigen::MatrixXd part = basis;
  Eigen::VectorXd value = Eigen::Map<Eigen::VectorXd const>(columns.column(x), length);
  for (Eigen::Index y = 0; y < length; ++y)
    if (known[y] == 0) {
      part.row(y).setZero();
      value[y] = 0;
    }
  Eigen::MatrixXd normal = part.transpose() * part;
  normal.diagonal().array() += Ridge;
  Eigen::VectorXd made = basis * normal.ldlt().solve(part.transpose() * value);
  made.array() -= made.mean();
  return made;
}

void take_clipped_median_off(std::vector<float>& model, std::span<std::uint8_t const> mask, std::int64_t nx,
                             std::int64_t ny, std::int64_t x0, std::int64_t x1, PcaStripeOptions const& options) {
  std::vector<float> outside;
  for (std::int64_t y = 0; y < ny; ++y)
    for (auto x = x0; x < x1; ++x)
      if (auto const k = static_cast<std::size_t>(y * nx + x); mask[k] == 0) outside.push_back(model[k]);
  double const level = sigma_clip(outside, options.sigma, options.maxiters).median;
  for (std::int64_t y = 0; y < ny && std::isfinite(level); ++y)
    for (auto x = x0; x < x1; ++x) {
      float& value = model[static_cast<std::size_t>(y * nx + x)];
      value = static_cast<float>(static_cast<double>(value) - level);
    }
}

}  // namespace

std::vector<float> measure_pca_stripes(std::span<float const> image, std::span<std::uint8_t const> mask,
                                       std::int64_t nx, std::int64_t ny, PcaStripeOptions const& options) {
  auto const& bounds = options.bounds;
  TESSERA_EXPECT(static_cast<std::int64_t>(image.size()) == nx * ny && mask.size() == image.size());
  TESSERA_EXPECT(bounds.size() >= 2 && bounds.front() == 0 && bounds.back() == nx && ny >= 2);
  std::vector<float> model(image.size(), 0.0f);
  for (std::size_t a = 0; a + 1 < bounds.size(); ++a) {
    auto const x0 = bounds[a], x1 = bounds[a + 1];
    auto const columns = scale_columns(image, mask, nx, ny, x0, x1);
    auto const chosen = choose_columns(columns);
    if (static_cast<std::int64_t>(chosen.size()) < LeastColumns) continue;
    auto const seed = random_bits(options.seed, a);
    auto const set = make_training_set(columns, chosen, seed);
    RobustPcaOptions robust;
    robust.components = options.components;
    auto const found = find_robust_components(set.values, set.known, set.count, set.length, robust);
    auto const used = count_significant(found, set.count, options.reconstruct);
    Eigen::MatrixXd basis(found.length, static_cast<Eigen::Index>(used) + 1);
    basis.col(0) = Eigen::Map<Eigen::VectorXd const>(found.mean.data(), found.length);
    for (std::size_t k = 0; k < used; ++k)
      basis.col(static_cast<Eigen::Index>(k) + 1) =
          Eigen::Map<Eigen::VectorXd const>(found.vectors[k].data(), found.length);
    for (auto x = x0; x < x1; ++x) {
      if (columns.count_known(x - x0) == 0) continue;
      auto const made = rebuild(columns, x - x0, basis);
      for (std::int64_t y = 0; y < ny; ++y)
        model[static_cast<std::size_t>(y * nx + x)] = static_cast<float>(made[y] * columns.width);
    }
    take_clipped_median_off(model, mask, nx, ny, x0, x1, options);
  }
  return model;
}

}  // namespace tessera::kernels
