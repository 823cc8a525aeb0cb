#include "tessera/kernels/sky_statistic.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tessera/core/error.hpp"

namespace tessera::kernels {

namespace {

/// Bins narrower and ranges smaller than this are one bin: ten times the spacing of float32 at 1.
constexpr double NarrowestBin = 1.2e-6;

/// Values low <= v <= high and what they are like.
struct Clipped {
  float low = 0, high = 0, least = 0, greatest = 0, mean = 0, deviation = 0;
  std::int64_t pixels = 0;
};

/// Sums are taken in so many lanes, each in the order of the values, and the lanes are added in order: the compiler may
/// use vector registers, and the result is the same everywhere.
constexpr std::size_t Lanes = 8;

/// One pass: moments of the values within the limits, in double about the first of them.
void take_moments(std::span<float const> values, Clipped& c) {
  float const low = c.low, high = c.high;
  auto const first = std::find_if(values.begin(), values.end(), [&](float v) { return v >= low && v <= high; });
  // The running extremes start from the first value moved into the limits, whether it is used or not (spec 30, 2.3).
  c.least = c.greatest = std::min(std::max(values.front(), low), high);
  c.pixels = 0;
  if (first == values.end()) return;
  float const pivot = *first;

  std::array<double, Lanes> sum{}, squares{};
  std::array<float, Lanes> least, greatest;
  std::array<std::int32_t, Lanes> count{};
  least.fill(c.least);
  greatest.fill(c.greatest);
  auto const take = [&](std::size_t lane, float v) {
    bool const used = v >= low && v <= high;
    float const kept = used ? v : pivot;
    double const d = static_cast<double>(kept) - static_cast<double>(pivot);
    sum[lane] += d;
    squares[lane] += d * d;
    least[lane] = kept < least[lane] ? kept : least[lane];
    greatest[lane] = kept > greatest[lane] ? kept : greatest[lane];
    count[lane] += used ? 1 : 0;
  };
  std::size_t const whole = values.size() / Lanes * Lanes;
  for (std::size_t k = 0; k < whole; k += Lanes)
    for (std::size_t lane = 0; lane < Lanes; ++lane) take(lane, values[k + lane]);
  for (std::size_t k = whole; k < values.size(); ++k) take(k - whole, values[k]);

  double total = 0, total_squares = 0;
  for (std::size_t lane = 0; lane < Lanes; ++lane) {
    total += sum[lane];
    total_squares += squares[lane];
    c.pixels += count[lane];
    c.least = std::min(c.least, least[lane]);
    c.greatest = std::max(c.greatest, greatest[lane]);
  }
  auto const n = static_cast<double>(c.pixels);
  double const offset = total / n, variance = (total_squares - total * offset) / (n - 1);
  c.mean = static_cast<float>(static_cast<double>(pivot) + offset);
  c.deviation = static_cast<float>(std::sqrt(c.pixels == 1 ? std::numeric_limits<double>::quiet_NaN()  // 0 / 0
                                                           : std::max(variance, 0.0)));
}

Clipped clip(std::span<float const> values, SkyStatisticOptions const& options) {
  float const lower = options.lower ? static_cast<float>(*options.lower) : -std::numeric_limits<float>::infinity(),
              upper = options.upper ? static_cast<float>(*options.upper) : std::numeric_limits<float>::infinity();
  Clipped c;
  c.low = lower;
  c.high = upper;
  if (!options.lower) c.low = *std::min_element(values.begin(), values.end());
  if (!options.upper) c.high = *std::max_element(values.begin(), values.end());
  for (int round = 0;; ++round) {
    if (!(c.low <= c.high)) return {};
    take_moments(values, c);
    if (c.pixels == 0 || round >= options.clips) return c;
    if (std::isnan(c.deviation)) continue;  // one pixel: there is nothing to clip
    c.low = std::max(lower, static_cast<float>(c.mean - options.lower_sigma * c.deviation));
    c.high = std::min(upper, static_cast<float>(c.mean + options.upper_sigma * c.deviation));
  }
}

double exact_median(std::span<float const> values, Clipped const& c) {
  std::vector<float> used;
  used.reserve(static_cast<std::size_t>(c.pixels));
  for (float const v : values)
    if (v >= c.low && v <= c.high) used.push_back(v);
  auto const middle = used.begin() + static_cast<std::ptrdiff_t>(used.size() / 2);
  std::nth_element(used.begin(), middle, used.end());
  if (used.size() % 2 == 1) return *middle;
  return 0.5f * (*std::max_element(used.begin(), middle) + *middle);
}

/// Counts of bins that start at the least value, and the width that turns a bin number into a value. The bins are
/// really a little wider than that: the reference stretches them so that the last one starts at the greatest value.
struct Histogram {
  std::vector<std::int64_t> counts;
  double start = 0, width = 0;
};

Histogram make_histogram(std::span<float const> values, Clipped const& c, double bin_width) {
  Histogram histogram;
  histogram.start = c.least;
  histogram.width = bin_width * c.deviation;
  float const range = c.greatest - c.least;
  if (histogram.width < NarrowestBin || range < NarrowestBin || histogram.width > range) {
    histogram.counts = {c.pixels};
    return histogram;
  }
  auto const bins = static_cast<std::int64_t>(range / histogram.width) + 1;
  histogram.counts.assign(static_cast<std::size_t>(bins), 0);
  // float32 arithmetic throughout, as the reference's: bins are chosen by it
  float const stretched = range / static_cast<float>(bins - 1), inverse = 1.0f / stretched,
              end = c.least + static_cast<float>(bins) * stretched;
  for (float const v : values) {
    if (!(v >= c.least && v < end)) continue;
    auto const bin = static_cast<std::size_t>(inverse * (v - c.least));
    if (bin < histogram.counts.size()) ++histogram.counts[bin];
  }
  return histogram;
}

double mode_of(Histogram const& histogram) {
  auto const& counts = histogram.counts;
  std::size_t const bins = counts.size();
  auto const at = [&](double bin) { return histogram.start + bin * histogram.width; };
  if (bins == 2) return at(counts[0] > counts[1] ? 0.5 : counts[0] < counts[1] ? 1.5 : 1.0);
  auto const peak = static_cast<std::size_t>(std::max_element(counts.begin(), counts.end()) - counts.begin());
  if (peak == 0) return at(0.5);
  if (peak == bins - 1) return at(static_cast<double>(bins) - 0.5);
  auto const left = static_cast<double>(counts[peak] - counts[peak - 1]),
             right = static_cast<double>(counts[peak] - counts[peak + 1]);
  double const shift = left + right == 0 ? 0 : 0.5 * (left - right) / (left + right);
  return at(static_cast<double>(peak) + 0.5 + shift);
}

/// The value below which half of the counted pixels lie, linear within its bin.
double midpoint_of(Histogram const& histogram) {
  std::int64_t total = 0;
  for (auto const count : histogram.counts) total += count;
  double before = 0;
  std::int64_t sum = 0;
  for (std::size_t bin = 0; bin < histogram.counts.size(); ++bin) {
    sum += histogram.counts[bin];
    double const after = static_cast<double>(sum) / static_cast<double>(total);
    if (after >= 0.5)
      return histogram.start + histogram.width * (static_cast<double>(bin) + (0.5 - before) / (after - before));
    before = after;
  }
  return std::numeric_limits<double>::quiet_NaN();  // no pixel was counted
}

}  // namespace

SkyStatisticKind parse_sky_statistic(std::string_view name) {
  if (name == "mode") return SkyStatisticKind::Mode;
  if (name == "median") return SkyStatisticKind::Median;
  if (name == "mean") return SkyStatisticKind::Mean;
  if (name == "midpt") return SkyStatisticKind::Midpt;
  throw ConfigError({.what = "unknown sky statistic",
                     .where = "skystat",
                     .expected = "mode, median, mean or midpt",
                     .found = std::string(name),
                     .remedy = "choose one of these"});
}

std::optional<SkyStatistic> measure_sky(std::span<float const> values, SkyStatisticOptions const& options) {
  if (values.empty()) return std::nullopt;
  auto const c = clip(values, options);
  if (c.pixels == 0) return std::nullopt;
  SkyStatistic sky;
  sky.pixels = c.pixels;
  sky.least = c.least;
  sky.greatest = c.greatest;
  sky.mean = c.mean;
  sky.deviation = c.deviation;
  switch (options.kind) {
    case SkyStatisticKind::Mean:
      sky.value = c.mean;
      break;
    case SkyStatisticKind::Median:
      sky.value = exact_median(values, c);
      break;
    case SkyStatisticKind::Mode:
    case SkyStatisticKind::Midpt:
      if (std::isnan(c.deviation)) return std::nullopt;
      auto const histogram = make_histogram(values, c, options.bin_width);
      sky.value = options.kind == SkyStatisticKind::Mode ? mode_of(histogram) : midpoint_of(histogram);
      break;
  }
  if (!std::isfinite(sky.value)) return std::nullopt;
  return sky;
}

}  // namespace tessera::kernels
