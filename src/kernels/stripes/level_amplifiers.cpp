#include "tessera/kernels/level_amplifiers.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "tessera/core/contract.hpp"
#include "tessera/kernels/sigma_clip.hpp"

namespace tessera::kernels {

namespace {

constexpr std::int64_t StripColumns = 20;
constexpr double ClipSigma = 3;

template <class T>
double median_of_row(T const* row, std::uint8_t const* bad, std::int64_t x0, std::int64_t x1) {
  std::array<double, StripColumns> values;
  std::size_t count = 0;
  for (std::int64_t x = x0; x < x1; ++x)
    if (bad[x] == 0) values[count++] = static_cast<double>(row[x]);
  return median_in_place(std::span(values).first(count));
}

/// Error of the median of a line, from the medians of eight parts of it. Infinite where they do not tell.
double error_of_median(std::vector<double> const& line) {
  constexpr std::size_t Parts = 8;
  std::vector<double> medians;
  for (std::size_t part = 0; part < Parts; ++part) {
    std::vector<double> values(line.begin() + static_cast<std::ptrdiff_t>(part * line.size() / Parts),
                               line.begin() + static_cast<std::ptrdiff_t>((part + 1) * line.size() / Parts));
    double const median = sigma_clip(values, ClipSigma, std::nullopt).median;
    if (std::isfinite(median)) medians.push_back(median);
  }
  if (medians.size() < 3) return std::numeric_limits<double>::infinity();
  auto const count = static_cast<double>(medians.size());
  double mean = 0, squares = 0;
  for (double const median : medians) mean += median / count;
  for (double const median : medians) squares += (median - mean) * (median - mean);
  return std::sqrt(squares / (count - 1) / count);
}

template <class T>
std::vector<double> measure(T const* sci, std::uint8_t const* bad, std::int64_t nx, std::int64_t ny,
                            std::span<std::int64_t const> bounds, AmplifierLevelOptions const& options) {
  TESSERA_EXPECT(bounds.size() >= 2 && bounds.front() >= 0 && bounds.back() <= nx);
  std::vector<double> added(bounds.size() - 1, 0.0), steps;
  for (std::size_t a = 0; a + 1 < added.size(); ++a) {
    auto const border = bounds[a + 1], low = bounds[a], high = bounds[a + 2];
    steps.clear();
    for (std::int64_t y = 0; y < ny; ++y) {
      // strips counted from the border: -1 and -2 before it, 0 and 1 after
      auto const strip = [&](std::int64_t number) {
        auto const x0 = std::clamp(border + number * StripColumns, low, high);
        auto const x1 = std::clamp(border + (number + 1) * StripColumns, low, high);
        return median_of_row(sci + y * nx, bad + y * nx, x0, x1);
      };
      double before = strip(-1), after = strip(0);
      if (options.extrapolate) {
        before += (before - strip(-2)) / 2;
        after += (after - strip(1)) / 2;
      }
      steps.push_back(before + added[a] - after);
    }
    double const error = options.least_significance > 0 ? error_of_median(steps) : 0;
    double const step = sigma_clip(steps, ClipSigma, std::nullopt).median;
    bool const counts = std::abs(step - added[a]) >= options.least_significance * error;  // false for NaN
    added[a + 1] = counts ? step : added[a];
  }
  return added;
}

}  // namespace

std::vector<double> measure_amplifier_levels(double const* sci, std::uint8_t const* bad, std::int64_t nx,
                                             std::int64_t ny, std::span<std::int64_t const> bounds,
                                             AmplifierLevelOptions const& options) {
  return measure(sci, bad, nx, ny, bounds, options);
}
std::vector<double> measure_amplifier_levels(float const* sci, std::uint8_t const* bad, std::int64_t nx,
                                             std::int64_t ny, std::span<std::int64_t const> bounds,
                                             AmplifierLevelOptions const& options) {
  return measure(sci, bad, nx, ny, bounds, options);
}

}  // namespace tessera::kernels
