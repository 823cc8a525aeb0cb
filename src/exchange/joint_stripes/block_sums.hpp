// Sums over the pixels of one block of sky.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "tessera/exchange/joint_stripes.hpp"

namespace tessera::exchange {

/// Profile of an exposure, [stripe].
using ProfileOf = std::function<double const*(int exposure)>;

/// What is averaged over the exposures: the stripes themselves, or the data without them.
enum class Averaged { Stripes, Data };

/// Weighted mean over the exposures and sum of weights of each pixel of a block; 0 where nothing is seen. Kept from
/// block to block, so that memory is allocated once.
struct BlockSky {
  std::vector<double> mean, weight;
};
void average_block(StripeBlock const& block, ProfileOf const& profile, Averaged what, BlockSky& sky);

/// out[i] = sum of w g_i (u - mean), u being what was averaged. `out` has one number a stripe, and is set.
void sum_deviations(StripeCells const& cells, model::PixelBox const& block, double const* profile, Averaged what,
                    BlockSky const& sky, std::span<double> out);
/// The same with signs that change every 8 pixels along the stripes: stripes cancel, noise does not.
void sum_alternating_deviations(StripeCells const& cells, model::PixelBox const& block, double const* profile,
                                BlockSky const& sky, std::span<double> out);

/// out[i] = sum of w g_i^2 (1 - w / W): curvature of a stripe by itself.
void sum_curvature(StripeCells const& cells, model::PixelBox const& block, BlockSky const& sky, std::span<double> out);
/// out[i] = sum of w g_i^2: that with the sky known.
void sum_weights(StripeCells const& cells, std::span<double> out);
/// out[i] = sum of w g_i Y, Y being the pixel of the grid along `axis` (0: x); and of w g_i into `weight`.
void sum_positions(StripeCells const& cells, int axis, std::span<double> out, std::span<double> weight);

/// What exposure after exposure of a block adds to the curvature of the same stripe in all exposures: `take` gets the
/// index in the block and its sums. Only exposures with equal numbers of stripes count as having the same ones.
void sum_common_curvature(StripeBlock const& block, BlockSky const& sky, std::span<int const> stripes,
                          std::function<void(std::size_t, std::span<double const>)> const& take);

/// Counts of positive numbers by the upper half of their float32 bits: exact in any order, to 0.4 %.
class MagnitudeCounts {
 public:
  MagnitudeCounts() : counts_(std::size_t{1} << 15, 0) {}
  void add(double value);
  std::span<std::int64_t> counts() { return counts_; }
  double median() const;  ///< 0 of nothing

 private:
  std::vector<std::int64_t> counts_;
};

/// Squares of the deviations of the pixels from the solution, weighted, and scaled to what they were if the pixel had
/// had no part in the mean of the sky. Pixels that one exposure alone sees do not count.
void count_deviations(StripeBlock const& block, ProfileOf const& profile, BlockSky const& sky, MagnitudeCounts& counts);
/// Takes pixels whose square is above `limit` out; returns how many.
std::int64_t clip_deviations(StripeBlock& block, ProfileOf const& profile, BlockSky const& sky, double limit);

}  // namespace tessera::exchange
