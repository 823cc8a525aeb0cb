#include "match_chance.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

namespace tessera::steps {

namespace {

/// Bins as wide as the tolerance over all shifts that are searched.
class ShiftCounts {
 public:
  ShiftCounts(double searchrad, double tolerance)
      : side_(std::max<std::int64_t>(2, static_cast<std::int64_t>(std::ceil(2 * searchrad / tolerance)))),
        low_(-0.5 * static_cast<double>(side_) * tolerance),
        width_(tolerance),
        counts_(static_cast<std::size_t>(side_ * side_), 0) {}

  double reach() const { return -low_; }
  std::int64_t windows() const { return side_ - 1; }
  void add(double dx, double dy) {
    auto const x = static_cast<std::int64_t>(std::floor((dx - low_) / width_)),
               y = static_cast<std::int64_t>(std::floor((dy - low_) / width_));
    if (x < 0 || y < 0 || x >= side_ || y >= side_) return;
    ++counts_[index(x, y)];
    ++total_;
  }
  int window(std::int64_t x, std::int64_t y) const {
    return counts_[index(x, y)] + counts_[index(x + 1, y)] + counts_[index(x, y + 1)] + counts_[index(x + 1, y + 1)];
  }
  double centre(std::int64_t k) const { return low_ + static_cast<double>(k + 1) * width_; }
  /// Mean count of a window outside the one that holds `best`.
  double mean_window(int best) const {
    return 4 * static_cast<double>(total_ - best) / static_cast<double>(std::max<std::int64_t>(1, side_ * side_ - 4));
  }

 private:
  std::size_t index(std::int64_t x, std::int64_t y) const { return static_cast<std::size_t>(y * side_ + x); }
  std::int64_t side_;
  double low_, width_;
  std::vector<int> counts_;
  std::int64_t total_ = 0;
};

bool by_y(PlanePosition const& a, PlanePosition const& b) { return a.y != b.y ? a.y < b.y : a.x < b.x; }

/// Image minus reference of all pairs that are no further than `reach` apart on either axis.
std::vector<PlanePosition> find_differences(std::span<PlanePosition const> image,
                                            std::span<PlanePosition const> reference, double reach) {
  std::vector<PlanePosition> sorted(reference.begin(), reference.end()), differences;
  std::sort(sorted.begin(), sorted.end(), by_y);
  for (auto const& point : image) {
    auto at = std::lower_bound(sorted.begin(), sorted.end(), point.y - reach,
                               [](PlanePosition const& r, double y) { return r.y < y; });
    for (; at != sorted.end() && at->y <= point.y + reach; ++at)
      if (std::abs(point.x - at->x) <= reach) differences.push_back({point.x - at->x, point.y - at->y});
  }
  return differences;
}

}  // namespace

double log10_chance(int count, double expected) {
  if (count <= 0 || count <= expected) return 0;
  if (!(expected > 0)) return -300;
  // The first term of the tail times a series that falls at least as fast as a geometric one.
  double const first = count * std::log(expected) - expected - std::lgamma(count + 1.0);
  double sum = 1, term = 1;
  for (int k = 1; term > 1e-15 * sum; ++k) sum += term *= expected / (count + k);
  return std::clamp((first + std::log(sum)) / std::numbers::ln10, -300.0, 0.0);
}

DensestShift find_densest_shift(std::span<PlanePosition const> image, std::span<PlanePosition const> reference,
                                double searchrad, double tolerance) {
  ShiftCounts counts(searchrad, tolerance);
  auto const differences = find_differences(image, reference, counts.reach());
  for (auto const& difference : differences) counts.add(difference.x, difference.y);
  DensestShift found;
  std::int64_t best_x = 0, best_y = 0;
  for (std::int64_t y = 0; y < counts.windows(); ++y)
    for (std::int64_t x = 0; x < counts.windows(); ++x)
      if (int const count = counts.window(x, y); count > found.count) {
        found.count = count;
        best_x = x;
        best_y = y;
      }
  if (found.count == 0) return found;
  for (std::int64_t y = 0; y < counts.windows(); ++y)
    for (std::int64_t x = 0; x < counts.windows(); ++x)
      if (std::max(std::abs(x - best_x), std::abs(y - best_y)) > 3)
        found.rival = std::max(found.rival, counts.window(x, y));
  found.expected = counts.mean_window(found.count);
  found.shift = {counts.centre(best_x), counts.centre(best_y)};
  // To where they are densest: the mean within the tolerance, a few times.
  for (int pass = 0; pass < 4; ++pass) {
    double sum_x = 0, sum_y = 0;
    int inside = 0;
    for (auto const& difference : differences) {
      if (std::hypot(difference.x - found.shift[0], difference.y - found.shift[1]) > tolerance) continue;
      sum_x += difference.x;
      sum_y += difference.y;
      ++inside;
    }
    if (inside == 0) break;
    found.shift = {sum_x / inside, sum_y / inside};
  }
  return found;
}

double pairs_by_density(std::span<PlanePosition const> image, std::span<PlanePosition const> reference,
                        double tolerance, double area) {
  // A star of the reference has one partner at most.
  double const stars = static_cast<double>(image.size()) * std::numbers::pi * tolerance * tolerance / area;
  return static_cast<double>(reference.size()) * -std::expm1(-stars);
}

double pairs_by_chance(std::span<PlanePosition const> image, std::span<PlanePosition const> reference,
                       std::array<double, 2> const& shift, double tolerance, double separation, double area) {
  constexpr int Places = 16;
  // Outside the peak of a true match, which is as wide as the tolerance; but near, since clusters make a hill of pairs.
  constexpr std::array<double, 3> Rings{2.5, 3.5, 6};
  std::array<double, 3> mean{};
  kernels::MatchOptions options;
  options.separation = separation;
  options.tolerance = tolerance;
  options.use2dhist = false;
  for (std::size_t ring = 0; ring < Rings.size(); ++ring) {
    std::size_t pairs = 0;
    for (int place = 0; place < Places; ++place) {
      double const angle = std::numbers::pi * (2.0 * place + static_cast<double>(ring)) / Places;
      options.xoffset = shift[0] + Rings[ring] * tolerance * std::cos(angle);
      options.yoffset = shift[1] + Rings[ring] * tolerance * std::sin(angle);
      pairs += kernels::match_stars(image, reference, options).pairs.size();
    }
    mean[ring] = static_cast<double>(pairs) / Places;
  }
  // The hill goes on to its top as the square of the distance.
  double const inner = Rings[0] * Rings[0], outer = Rings[1] * Rings[1];
  double const top = mean[0] + std::max(0.0, (mean[0] - mean[1]) * inner / (outer - inner));
  return std::max({pairs_by_density(image, reference, tolerance, area), top, mean[1], mean[2]});
}

}  // namespace tessera::steps
