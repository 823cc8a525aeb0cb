// Many values dealt into buckets in order, of which only those that are looked into get sorted.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "sort_values.hpp"

namespace tessera::kernels {

/// Sums of v - origin and of its square over some values.
struct Moments {
  double first = 0, second = 0;
};

/// The finite values of `data` outside `mask` (empty: none masked), -0 as 0. Ranks count from 0 in ascending order.
template <class T>
class PartlySorted {
 public:
  PartlySorted(std::span<T const> data, std::span<std::uint8_t const> mask) {
    choose_buckets(data, mask);
    deal(data, mask);
  }

  std::size_t size() const { return size_; }
  /// A value amid the others, about which sums are well conditioned.
  double origin() const { return origin_; }

  T at(std::size_t rank) {
    sort_bucket(bucket_of(rank));
    return values_[rank];
  }

  /// First rank in first <= rank < last whose value `before` is false for; it must be true up to there and false after.
  template <class Predicate>
  std::size_t partition(std::size_t first, std::size_t last, Predicate before) {
    auto const bucket = std::partition_point(buckets_.begin(), buckets_.end(),
                                             [&](Bucket const& candidate) { return before(candidate.lowest); });
    if (bucket == buckets_.begin()) return first;
    auto const b = static_cast<std::size_t>(bucket - buckets_.begin()) - 1;
    sort_bucket(b);
    T const *const begin = values_.get() + buckets_[b].begin, *const end = values_.get() + end_of(b);
    auto const rank = static_cast<std::size_t>(std::partition_point(begin, end, before) - values_.get());
    return std::clamp(rank, first, last);
  }

  /// About the origin, over first <= rank < last.
  Moments moments(std::size_t first, std::size_t last) {
    Moments sums;
    if (first >= last) return sums;
    for (auto b = bucket_of(first); b < buckets_.size() && buckets_[b].begin < last; ++b) {
      auto const begin = std::max(first, buckets_[b].begin), end = std::min(last, end_of(b));
      bool const is_whole = begin == buckets_[b].begin && end == end_of(b);
      if (!is_whole) sort_bucket(b);
      auto const part = is_whole ? moments_of_bucket(b) : sum(begin, end);
      sums.first += part.first;
      sums.second += part.second;
    }
    return sums;
  }

  /// Bound of the relative error of both sums, against the sums of absolute values, and of a sum of all values in eight
  /// lanes: twice what roundings can add up to.
  double summing_error() const {
    return (static_cast<double>(size_) / 4 + 2.0 * Buckets + 64) * (std::numeric_limits<double>::epsilon() / 2);
  }

  std::span<T const> sorted(std::size_t first, std::size_t last) {
    for (std::size_t b = 0; b < buckets_.size(); ++b)
      if (buckets_[b].begin < last && end_of(b) > first) sort_bucket(b);
    return {values_.get() + first, last - first};
  }

 private:
  static constexpr std::size_t Buckets = 1024;
  static constexpr std::size_t Sample = 4096;

  struct Bucket {
    std::size_t begin = 0;
    T lowest = 0;
    bool is_sorted = false, is_summed = false;
    Moments moments;
  };

  std::unique_ptr<T[]> values_;
  std::size_t size_ = 0;
  std::vector<Bucket> buckets_;  ///< none is empty
  T low_ = 0, scale_ = 0;
  double origin_ = 0;

  static bool is_used(std::span<T const> data, std::span<std::uint8_t const> mask, std::size_t k) {
    return std::isfinite(data[k]) && (mask.empty() || mask[k] == 0);
  }

  /// Buckets of one width about most of the values; those beyond go into the first and last. Any choice is right, this
  /// one keeps them small.
  void choose_buckets(std::span<T const> data, std::span<std::uint8_t const> mask) {
    std::vector<T> sample;
    auto const step = std::max<std::size_t>(1, data.size() / Sample);
    for (std::size_t k = 0; k < data.size(); k += step)
      if (is_used(data, mask, k)) sample.push_back(data[k] + T(0));
    if (sample.empty()) return;
    sort_values(std::span<T>(sample));
    T const middle = sample[sample.size() / 2];
    T const reach =
        3 * std::max(middle - sample[sample.size() / 20], sample[sample.size() - 1 - sample.size() / 20] - middle);
    origin_ = static_cast<double>(middle);
    low_ = middle - reach;
    scale_ = static_cast<T>(Buckets) / (2 * reach);
    if (!std::isfinite(low_) || !std::isfinite(scale_)) low_ = scale_ = 0;
  }

  /// Never falls as the value grows: subtraction, multiplication and truncation keep the order.
  std::int32_t place_of(T value) const {
    T const place = std::max(T(0), (value - low_) * scale_);
    return static_cast<std::int32_t>(std::min(static_cast<T>(Buckets - 1), place));
  }

  /// Calls work(k, bucket) for each place of the data, with the bucket `Buckets` where there is no value to be used.
  template <class Work>
  void each_place(std::span<T const> data, std::span<std::uint8_t const> mask, Work work) const {
    constexpr std::size_t Run = 256;
    constexpr std::int32_t Unused = Buckets;
    std::array<std::int32_t, Run> places;
    for (std::size_t begin = 0; begin < data.size(); begin += Run) {
      auto const count = std::min(Run, data.size() - begin);
      T const* const values = data.data() + begin;
      for (std::size_t i = 0; i < count; ++i) places[i] = place_of(values[i]);
      for (std::size_t i = 0; i < count; ++i)
        places[i] = std::abs(values[i]) <= std::numeric_limits<T>::max() ? places[i] : Unused;
      if (!mask.empty())
        for (std::size_t i = 0; i < count; ++i) places[i] = mask[begin + i] == 0 ? places[i] : Unused;
      for (std::size_t i = 0; i < count; ++i) work(begin + i, static_cast<std::size_t>(places[i]));
    }
  }

  void deal(std::span<T const> data, std::span<std::uint8_t const> mask) {
    std::array<std::size_t, Buckets + 1> next{};
    each_place(data, mask, [&](std::size_t, std::size_t b) { ++next[b]; });
    for (std::size_t b = 0; b < Buckets; ++b) {
      auto const count = std::exchange(next[b], size_);
      if (count > 0) buckets_.emplace_back().begin = size_;
      size_ += count;
    }
    next[Buckets] = size_;  // what is not used lies behind
    values_ = std::make_unique_for_overwrite<T[]>(data.size());
    each_place(data, mask, [&](std::size_t k, std::size_t b) { values_[next[b]++] = data[k] + T(0); });
    for (std::size_t b = 0; b < buckets_.size(); ++b)
      buckets_[b].lowest = *std::min_element(values_.get() + buckets_[b].begin, values_.get() + end_of(b));
  }

  std::size_t end_of(std::size_t b) const { return b + 1 < buckets_.size() ? buckets_[b + 1].begin : size_; }

  std::size_t bucket_of(std::size_t rank) const {
    auto const after = std::partition_point(buckets_.begin(), buckets_.end(),
                                            [rank](Bucket const& bucket) { return bucket.begin <= rank; });
    return static_cast<std::size_t>(after - buckets_.begin()) - 1;
  }

  void sort_bucket(std::size_t b) {
    if (buckets_[b].is_sorted) return;
    sort_values(std::span(values_.get() + buckets_[b].begin, values_.get() + end_of(b)));
    buckets_[b].is_sorted = true;
  }

  Moments const& moments_of_bucket(std::size_t b) {
    auto& bucket = buckets_[b];
    if (!bucket.is_summed) {
      bucket.moments = sum(bucket.begin, end_of(b));
      bucket.is_summed = true;
    }
    return bucket.moments;
  }

  Moments sum(std::size_t first, std::size_t last) const {
    constexpr std::size_t Lanes = 8;
    double one[Lanes] = {}, two[Lanes] = {};
    auto const add = [&](std::size_t lane, T value) {
      double const off = static_cast<double>(value) - origin_;
      one[lane] += off;
      two[lane] += off * off;
    };
    std::size_t k = first;
    for (; k + Lanes <= last; k += Lanes)
      for (std::size_t i = 0; i < Lanes; ++i) add(i, values_[k + i]);
    for (std::size_t i = 0; k < last; ++k, ++i) add(i, values_[k]);
    Moments sums;
    for (std::size_t i = 0; i < Lanes; ++i) {
      sums.first += one[i];
      sums.second += two[i];
    }
    return sums;
  }
};

}  // namespace tessera::kernels
