#include "tessera/exchange/clip_over_ranks.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace tessera::exchange {

namespace {

constexpr std::uint32_t HalfBits = 16;
constexpr std::size_t Bins = std::size_t{1} << HalfBits;

/// Numbers in the order of the values.
std::uint32_t to_key(float value) {
  auto const bits = std::bit_cast<std::uint32_t>(value + 0.0f);  // -0 is 0
  return bits ^ ((bits >> 31) != 0 ? 0xffffffffu : 0x80000000u);
}
double from_key(std::uint32_t key) {
  return static_cast<double>(std::bit_cast<float>(key ^ ((key >> 31) != 0 ? 0x80000000u : 0xffffffffu)));
}

/// Bin that holds the value of rank `place`, and that rank within the bin.
std::pair<std::size_t, std::int64_t> find_bin(std::span<std::int64_t const> counts, std::int64_t place) {
  std::size_t bin = 0;
  for (; bin + 1 < counts.size() && place >= counts[bin]; ++bin) place -= counts[bin];
  return {bin, place};
}

struct PieceSum {
  std::int64_t piece = 0;
  double sum = 0, squares = 0;  ///< of the differences to the median
};

/// The values kept: all within [low, high].
class KeptValues {
 public:
  KeptValues(parallel::Communicator const& communicator, GivePieces const& give)
      : communicator_(communicator), give_(give) {}

  void keep_within(double low, double high) {
    low_ = low;
    high_ = high;
  }

  kernels::ClippedStatistics describe() const {
    kernels::ClippedStatistics found;
    std::vector<std::int64_t> upper(Bins, 0);
    each_kept([&](float value) { ++upper[to_key(value) >> HalfBits]; });
    communicator_.sum_in_place(upper);
    for (auto const count : upper) found.count += count;
    if (found.count == 0) return found;
    found.median = find_median(upper, found.count);

    std::vector<PieceSum> sums;
    give_([&](std::int64_t piece, std::span<float const> values) {
      PieceSum sum{piece, 0, 0};
      for (float const value : values) {
        if (!is_kept(value)) continue;
        double const difference = static_cast<double>(value) - found.median;
        sum.sum += difference;
        sum.squares += difference * difference;
      }
      sums.push_back(sum);
    });
    auto all = communicator_.all_gather_values<PieceSum>(sums);
    std::sort(all.begin(), all.end(), [](PieceSum const& a, PieceSum const& b) { return a.piece < b.piece; });
    double sum = 0, squares = 0;
    for (auto const& one : all) {
      sum += one.sum;
      squares += one.squares;
    }
    auto const count = static_cast<double>(found.count);
    double const offset = sum / count;
    found.mean = found.median + offset;
    found.std = std::sqrt(std::max(0.0, squares / count - offset * offset));
    return found;
  }

 private:
  bool is_kept(float value) const {
    return std::isfinite(value) && static_cast<double>(value) >= low_ && static_cast<double>(value) <= high_;
  }

  template <class Function>
  void each_kept(Function function) const {
    give_([&](std::int64_t, std::span<float const> values) {
      for (float const value : values)
        if (is_kept(value)) function(value);
    });
  }

  double find_median(std::span<std::int64_t const> upper, std::int64_t count) const {
    auto const [below, below_place] = find_bin(upper, (count - 1) / 2);
    auto const [above, above_place] = find_bin(upper, count / 2);
    std::size_t const low_bin = below, high_bin = above;  // clang 14 captures no structured bindings
    std::vector<std::int64_t> lower(2 * Bins, 0);         // of the two bins, which may be the same
    each_kept([&](float value) {
      auto const key = to_key(value);
      auto const low_half = key & (Bins - 1);
      if (key >> HalfBits == low_bin) ++lower[low_half];
      if (key >> HalfBits == high_bin) ++lower[Bins + low_half];
    });
    communicator_.sum_in_place(lower);
    auto const value_at = [&](std::size_t bin, std::size_t first, std::int64_t place) {
      auto const low_half = find_bin(std::span<std::int64_t const>(lower).subspan(first, Bins), place).first;
      return from_key(static_cast<std::uint32_t>(bin << HalfBits | low_half));
    };
    return (value_at(below, 0, below_place) + value_at(above, Bins, above_place)) / 2;
  }

  parallel::Communicator const& communicator_;
  GivePieces const& give_;
  double low_ = -std::numeric_limits<double>::infinity(), high_ = std::numeric_limits<double>::infinity();
};

}  // namespace

kernels::ClippedStatistics clip_over_ranks(parallel::Communicator const& communicator, GivePieces const& give,
                                           double sigma, std::optional<int> maxiters) {
  KeptValues kept(communicator, give);
  auto found = kept.describe();
  double low = -std::numeric_limits<double>::infinity(), high = -low;
  for (int round = 0; (!maxiters || round < *maxiters) && found.count > 0; ++round) {
    low = std::max(low, found.median - sigma * found.std);
    high = std::min(high, found.median + sigma * found.std);
    kept.keep_within(low, high);
    auto const before = found.count;
    auto const next = kept.describe();
    if (next.count == before) break;
    found = next;
  }
  return found;
}

}  // namespace tessera::exchange
