// Clipping of many values by bounds of their statistics: exact sums only where these cannot tell what goes.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "describe.hpp"
#include "partly_sorted.hpp"
#include "tessera/kernels/sigma_clip.hpp"

namespace tessera::kernels {

struct Bounds {
  double low = std::numeric_limits<double>::quiet_NaN(), high = low;
};

/// The rounds of sigma_clip over the finite values of `data` outside `mask`. `sigma_clip` takes the mean and the
/// standard deviation of each round from sums over the sorted values; of these only which values they leave shows.
/// Sums in any other order bound what those would be, and where no value lies between the two limits that follow, as
/// nearly always, the round is the same.
template <class T>
class ClipRounds {
 public:
  ClipRounds(std::span<T const> data, std::span<std::uint8_t const> mask, double sigma, std::optional<int> maxiters)
      : values_(data, mask), last_(values_.size()) {
    for (int round = 0; (!maxiters || round < *maxiters) && first_ < last_; ++round) {
      double const centre = median();
      auto const cut_at = [&](double limit) {
        auto const first = values_.partition(first_, last_, [&](T value) {
          return static_cast<double>(value) < centre && std::abs(static_cast<double>(value) - centre) > limit;
        });
        auto const last = values_.partition(first, last_, [&](T value) {
          return static_cast<double>(value) < centre || std::abs(static_cast<double>(value) - centre) <= limit;
        });
        return Kept{first, last};
      };
      auto const deviation = bound_deviation();
      Kept kept = cut_at(sigma * deviation.low);
      Kept const most = cut_at(sigma * deviation.high);
      if (!is_bounded(deviation) || kept.first != most.first || kept.last != most.last)
        kept = cut_at(sigma * statistics().std);
      if (kept.first == first_ && kept.last == last_) break;
      first_ = kept.first;
      last_ = kept.last;
    }
  }

  /// Of the values kept: what sigma_clip returns, bit for bit.
  ClippedStatistics statistics() { return describe(values_.sorted(first_, last_)); }

  /// Bounds of mean + nsigma * std of statistics(); not finite where there are none.
  Bounds bound_threshold(double nsigma) {
    auto const deviation = bound_deviation();
    if (!is_bounded(deviation)) return {};
    auto const about = mean_and_variance();
    double const middle = values_.origin() + about.mean;
    double const error =
        4 * values_.summing_error() * (std::abs(values_.origin()) + about.scale + nsigma * deviation.high);
    return {middle + nsigma * deviation.low - error, middle + nsigma * deviation.high + error};
  }

 private:
  struct Kept {
    std::size_t first, last;
  };
  struct About {
    double mean;  ///< less the origin
    double variance;
    double scale;  ///< root mean square about the origin
  };

  PartlySorted<T> values_;
  std::size_t first_ = 0, last_;

  static bool is_bounded(Bounds const& bounds) { return std::isfinite(bounds.low) && std::isfinite(bounds.high); }

  double median() {
    auto const count = last_ - first_;
    auto const upper = static_cast<double>(values_.at(first_ + count / 2));
    return count % 2 == 1 ? upper : (static_cast<double>(values_.at(first_ + count / 2 - 1)) + upper) / 2;
  }

  About mean_and_variance() {
    auto const sums = values_.moments(first_, last_);
    auto const count = static_cast<double>(last_ - first_);
    double const mean = sums.first / count, square = sums.second / count;
    return {mean, square - mean * mean, std::sqrt(square)};
  }

  /// Bounds of the standard deviation that sums over the sorted values give. With e the error of sums and s the scale:
  /// the mean found here is off by e s, so the variance by less than 4 e s^2. The mean found there is off by less than
  /// e (|origin| + s), the square of which adds to the squares about it, and these are off by e of themselves.
  Bounds bound_deviation() {
    if (first_ == last_) return {};
    auto const about = mean_and_variance();
    double const e = values_.summing_error();
    double const shift = e * (std::abs(values_.origin()) + about.scale);
    double const error = 8 * e * about.scale * about.scale + 2 * shift * shift + std::numeric_limits<double>::min();
    return {std::sqrt(std::max(0.0, about.variance - error)) * (1 - e), std::sqrt(about.variance + error) * (1 + e)};
  }
};

}  // namespace tessera::kernels
