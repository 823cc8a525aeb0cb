#include "shift_search.hpp"

#include <algorithm>
#include <cmath>

namespace tessera::exchange {

namespace {

constexpr int PeaksLookedAt = 8;
constexpr int InnerFrame = 3, OuterFrame = 6;  // half widths in bins; a window is two bins wide

/// Counts of differences in bins as wide as the tolerance; a window is 2 x 2 of them.
class DifferenceHistogram {
 public:
  DifferenceHistogram(std::span<PlanePosition const> differences, double searchrad, double tolerance)
      : bins_(std::max(2, static_cast<int>(std::ceil(2 * searchrad / tolerance)))),
        low_(-0.5 * bins_ * tolerance),
        width_(tolerance),
        counts_(static_cast<std::size_t>(bins_) * static_cast<std::size_t>(bins_), 0) {
    for (auto const& d : differences) {
      auto const x = static_cast<int>(std::floor((d.x - low_) / width_)),
                 y = static_cast<int>(std::floor((d.y - low_) / width_));
      if (x < 0 || y < 0 || x >= bins_ || y >= bins_) continue;
      ++counts_[index(x, y)];
      ++total_;
    }
  }
  int windows() const { return bins_ - 1; }
  int bins() const { return bins_; }
  double total() const { return total_; }
  PlanePosition centre(int x, int y) const { return {low_ + (x + 1) * width_, low_ + (y + 1) * width_}; }
  int window(int x, int y) const {
    return counts_[index(x, y)] + counts_[index(x + 1, y)] + counts_[index(x, y + 1)] + counts_[index(x + 1, y + 1)];
  }
  /// Mean count a window in the frame around window (x, y), as far as it is inside.
  double around(int x, int y) const {
    double sum = 0, bins = 0;
    for (int row = std::max(0, y + 1 - OuterFrame); row < std::min(bins_, y + 1 + OuterFrame); ++row)
      for (int column = std::max(0, x + 1 - OuterFrame); column < std::min(bins_, x + 1 + OuterFrame); ++column) {
        bool const is_inside = row >= y + 1 - InnerFrame && row < y + 1 + InnerFrame && column >= x + 1 - InnerFrame &&
                               column < x + 1 + InnerFrame;
        if (is_inside) continue;
        sum += counts_[index(column, row)];
        ++bins;
      }
    return bins > 0 ? 4 * sum / bins : 0;
  }

 private:
  std::size_t index(int x, int y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(bins_) + static_cast<std::size_t>(x);
  }
  int bins_;
  double low_, width_;
  std::vector<int> counts_;
  double total_ = 0;
};

struct Window {
  int x = 0, y = 0, count = 0;
};

/// The fullest windows that lie more than three bins from each other.
std::vector<Window> fullest_windows(DifferenceHistogram const& histogram) {
  std::vector<Window> found;
  for (int k = 0; k < PeaksLookedAt; ++k) {
    Window best;
    for (int y = 0; y < histogram.windows(); ++y)
      for (int x = 0; x < histogram.windows(); ++x) {
        int const count = histogram.window(x, y);
        if (count <= best.count) continue;
        bool const is_apart = std::all_of(found.begin(), found.end(), [&](Window const& other) {
          return std::max(std::abs(other.x - x), std::abs(other.y - y)) > InnerFrame;
        });
        if (is_apart) best = {x, y, count};
      }
    if (best.count == 0) break;
    found.push_back(best);
  }
  return found;
}

/// Mean of the differences within `tolerance`, followed to where they are densest.
PlanePosition centre_of_mass(std::span<PlanePosition const> differences, PlanePosition start, double tolerance) {
  for (int pass = 0; pass < 4; ++pass) {
    PlanePosition sum;
    double count = 0;
    for (auto const& d : differences)
      if (distance2(d, start) <= tolerance * tolerance) {
        sum.x += d.x;
        sum.y += d.y;
        ++count;
      }
    if (count == 0) break;
    start = {sum.x / count, sum.y / count};
  }
  return start;
}

}  // namespace

double log10_poisson_tail(double count, double expected) {
  if (count <= expected || count <= 0) return 0;
  if (expected <= 0) return -1e6;
  // The first term of the tail, and the rest as a falling series.
  double const first = count * std::log(expected) - expected - std::lgamma(count + 1);
  double sum = 1, term = 1;
  for (int k = 1; k < 10000 && term > 1e-12 * sum; ++k) sum += term *= expected / (count + k);
  return std::min(0.0, (first + std::log(sum)) / std::log(10.0));
}

ShiftSearch search_shift(std::span<PlanePosition const> differences, double searchrad, double tolerance,
                         double density) {
  DifferenceHistogram const histogram(differences, searchrad, tolerance);
  ShiftSearch result;
  result.places = static_cast<double>(histogram.bins()) * histogram.bins();
  auto const windows = fullest_windows(histogram);
  if (windows.empty()) return result;
  double const area = 4 * tolerance * tolerance;
  double const mean = 4 * (histogram.total() - windows.front().count) / std::max(1.0, result.places - 4);
  std::vector<ShiftPeak> peaks;
  for (auto const& window : windows) {
    ShiftPeak peak;
    peak.shift = histogram.centre(window.x, window.y);
    peak.count = window.count;
    peak.expected = std::max({density * area, mean, histogram.around(window.x, window.y)});
    peak.log10_chance = log10_poisson_tail(peak.count, peak.expected);
    peaks.push_back(peak);
  }
  std::stable_sort(peaks.begin(), peaks.end(),
                   [](ShiftPeak const& a, ShiftPeak const& b) { return a.log10_chance < b.log10_chance; });
  result.best = peaks[0];
  result.best.shift = centre_of_mass(differences, peaks[0].shift, tolerance);
  if (peaks.size() > 1) result.rival = peaks[1];
  return result;
}

}  // namespace tessera::exchange
