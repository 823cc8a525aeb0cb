#include "tessera/kernels/clip_pieces.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <vector>

#include "tessera/core/contract.hpp"

namespace tessera::kernels {

namespace {

constexpr std::uint32_t HalfBits = 16, HalfCount = 1u << HalfBits;

/// Unsigned number with the order of the float: negative ones have all bits turned, others the sign bit.
std::uint32_t ordered_bits(float value) {
  auto const bits = std::bit_cast<std::uint32_t>(value);
  return bits ^ ((bits >> 31) != 0 ? 0xffffffffu : 0x80000000u);
}
float from_ordered_bits(std::uint32_t key) {
  return std::bit_cast<float>(key ^ ((key >> 31) != 0 ? 0x80000000u : 0xffffffffu));
}

/// Values that count: low <= v <= high, and not 0 where zeros are skipped. NaN never does.
struct Members {
  float low, high;
  bool skip_zeros;
  bool operator()(float value) const { return (value >= low) & (value <= high) & (!skip_zeros | (value != 0)); }
};

constexpr float Largest = std::numeric_limits<float>::max();

/// The smallest float not below `low`, and the largest not above `high`: comparing floats is what vector units do best.
float round_up(double low) {
  auto const nearest = static_cast<float>(std::clamp(low, -static_cast<double>(Largest), static_cast<double>(Largest)));
  return static_cast<double>(nearest) < low ? std::nextafter(nearest, Largest) : nearest;
}
float round_down(double high) { return -round_up(-high); }

/// All values that count, in ascending order, as far as their ranks: found by counting halves of the bit patterns.
class Ranks {
 public:
  Ranks(EachPiece const& values, Members const& members) : values_(values), is_member_(members) {
    values_([&](std::span<float const> piece) {
      for (float const value : piece)
        if (is_member_(value)) ++upper_[ordered_bits(value) >> HalfBits];
    });
  }

  /// The value of this rank, 0-based. A pass over the values where none with the same upper half was asked for before.
  float value_at(std::int64_t rank) {
    std::uint32_t const upper = descend(upper_, rank);
    return from_ordered_bits((upper << HalfBits) | descend(lower(upper), rank));
  }

 private:
  using Counts = std::vector<std::int64_t>;

  /// The first index at which the counts up to there exceed `rank`, which becomes the rank within it.
  static std::uint32_t descend(Counts const& counts, std::int64_t& rank) {
    std::uint32_t at = 0;
    while (rank >= counts[at]) rank -= counts[at++];
    return at;
  }

  Counts const& lower(std::uint32_t upper) {
    if (auto const known = lower_.find(upper); known != lower_.end()) return known->second;
    if (lower_.size() > MostKept) lower_.clear();
    auto& counts = lower_[upper];
    counts.assign(HalfCount, 0);
    values_([&](std::span<float const> piece) {
      for (float const value : piece) {
        auto const key = ordered_bits(value);
        if (key >> HalfBits == upper && is_member_(value)) ++counts[key & (HalfCount - 1)];
      }
    });
    return counts;
  }

  static constexpr std::size_t MostKept = 4;  // half a megabyte each
  EachPiece const& values_;
  Members is_member_;
  Counts upper_ = Counts(HalfCount, 0);
  std::map<std::uint32_t, Counts> lower_;
};

/// Sums in a fixed order that is as fast as memory: value number n goes to lane n mod 8, wherever pieces are cut.
class LaneSum {
 public:
  static constexpr std::size_t Lanes = 8;

  /// Adds (v - centre)^Power of the members of the piece.
  template <int Power>
  void add(std::span<float const> piece, Members const& members, double centre) {
    // Without branches and in simple steps, so that the compiler finds vector code for each.
    std::array<float, Chunk> value;
    std::array<float, Chunk> counts;
    for (std::size_t begin = 0; begin < piece.size(); begin += Chunk) {
      std::size_t const size = std::min(Chunk, piece.size() - begin);
      float const* const from = piece.data() + begin;
      for (std::size_t k = 0; k < size; ++k) value[k] = members(from[k]) ? from[k] : 0.0f;
      for (std::size_t k = 0; k < size; ++k) counts[k] = members(from[k]) ? 1.0f : 0.0f;
      auto const term = [&](std::size_t k) {
        double const d = (static_cast<double>(value[k]) - centre) * static_cast<double>(counts[k]);
        return Power == 2 ? d * d : d;
      };
      std::size_t k = 0;
      for (; next_ != 0 && k < size; ++k) add_one(term(k));
      for (; k + Lanes <= size; k += Lanes)
        for (std::size_t lane = 0; lane < Lanes; ++lane) lanes_[lane] += term(k + lane);
      for (; k < size; ++k) add_one(term(k));
    }
  }
  double total() const {
    return ((lanes_[0] + lanes_[1]) + (lanes_[2] + lanes_[3])) + ((lanes_[4] + lanes_[5]) + (lanes_[6] + lanes_[7]));
  }

 private:
  static constexpr std::size_t Chunk = 512;
  void add_one(double value) {
    lanes_[next_] += value;
    next_ = (next_ + 1) % Lanes;
  }
  std::array<double, Lanes> lanes_{};
  std::size_t next_ = 0;
};

/// Members: how many, how many values lie below them, and their mean.
struct Kept {
  std::int64_t below = 0, count = 0;
  double mean = std::numeric_limits<double>::quiet_NaN();
};

Kept measure(EachPiece const& values, Members const& members) {
  Kept kept;
  Members below = members;
  below.low = -Largest;
  below.high = members.low;
  LaneSum sum;
  values([&](std::span<float const> piece) {
    std::int32_t inside = 0, under = 0;  // a piece has fewer than 2^31 values
    for (float const value : piece) {
      inside += members(value);
      under += below(value) & (value < members.low);
    }
    kept.count += inside;
    kept.below += under;
    sum.add<1>(piece, members, 0);
  });
  if (kept.count > 0) kept.mean = sum.total() / static_cast<double>(kept.count);
  return kept;
}

double deviation(EachPiece const& values, Members const& members, Kept const& kept) {
  LaneSum squares;
  values([&](std::span<float const> piece) { squares.add<2>(piece, members, kept.mean); });
  return std::sqrt(squares.total() / static_cast<double>(kept.count));
}

}  // namespace

ClippedStatistics clip_pieces(EachPiece const& values, double sigma, int maxiters, bool skip_zeros) {
  TESSERA_EXPECT(sigma >= 0 && maxiters >= 1);
  Members members{-Largest, Largest, skip_zeros};
  Ranks ranks(values, members);
  auto kept = measure(values, members);
  ClippedStatistics found;
  for (int round = 0;; ++round) {
    found.count = kept.count;
    found.mean = kept.mean;
    if (kept.count == 0) return found;
    // What is kept is an interval of the order of all values: its middle has a rank among all.
    auto const first = static_cast<double>(ranks.value_at(kept.below + (kept.count - 1) / 2)),
               second = static_cast<double>(ranks.value_at(kept.below + kept.count / 2));
    found.median = (first + second) / 2;
    found.std = deviation(values, members, kept);
    if (round == maxiters) return found;
    // A value once dropped stays dropped: limits only draw together.
    members.low = std::max(members.low, round_up(found.median - sigma * found.std));
    members.high = std::min(members.high, round_down(found.median + sigma * found.std));
    auto const now = measure(values, members);
    if (now.count == kept.count) return found;
    kept = now;
  }
}

}  // namespace tessera::kernels
