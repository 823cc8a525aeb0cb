// The stripes of all exposures and the sky that they share, in one least-squares solution.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "tessera/model/blocks.hpp"
#include "tessera/parallel/communicator.hpp"

namespace tessera::exchange {

/// The stripes of an exposure: one a row of each amplifier, [amplifier * rows + row].
struct StripedExposure {
  int amplifiers = 1;
  int rows = 0;
  int stripes() const { return amplifiers * rows; }
};

/// One exposure on a part of a block of sky: pixel p sees S(p) + (1 - f) s[i] + f s[i + 1], s being the stripes of the
/// exposure, i = stripe[p] and f = fraction[p] / FractionUnit. Exact for stripes that were interpolated linearly.
struct StripeCells {
  static constexpr std::uint16_t FractionUnit = 32768;

  int exposure = 0;
  model::PixelBox box;                  ///< pixels of the grid
  std::vector<float> value;             ///< [box.height()][box.width()] like all of these; anything where weight is 0
  std::vector<std::uint16_t> stripe;    ///< i: i + 1 is a stripe of the exposure too
  std::vector<std::uint16_t> fraction;  ///< f in units of 1 / FractionUnit, up to and with FractionUnit
  std::vector<std::uint16_t> weight;    ///< pack_weight; 0: takes no part
};
inline constexpr std::int64_t StripeCellBytes = 10;

/// The upper half of the bits of a float32 (rounded to nearest): 3 digits are plenty for a weight. Not above 0 and not
/// finite give 0.
std::uint16_t pack_weight(float weight);
float unpack_weight(std::uint16_t packed);

/// What one block of sky sees.
struct StripeBlock {
  model::PixelBox box;                 ///< pixels of the grid
  std::vector<StripeCells> exposures;  ///< ascending, each inside `box`
};

/// The blocks of a rank, wherever they are kept. Blocks of the ranks, one after the other, are in the order of the sky.
class StripeBlocks {
 public:
  virtual ~StripeBlocks() = default;
  virtual std::int64_t count() const = 0;
  /// Block k; good until the next call.
  virtual StripeBlock& load(std::int64_t k) = 0;
  /// The weights of the block loaded last have changed.
  virtual void keep_weights(std::int64_t k) = 0;
};

struct JointOptions {
  double prior_amplitude = 0;  ///< rms of the stripes about the level of their amplifier; 0: from the data
  double clip_sigma = 3;       ///< pixels further than this from the solution are left out
  int clip_rounds = 2;         ///< times that is done, each followed by another solution
  double tolerance = 1e-4;     ///< least squares end when the (preconditioned) gradient has fallen by this factor
  int most_iterations = 300;   ///< of one solution
  std::function<bool()>
      should_stop;  ///< asked between iterations; collective, the same answer on all ranks; may be empty
};

/// How much of the sky that is constant along rows, changing across them with this period, the exposures can tell from
/// stripes: curvature of that mode over its curvature with the sky known. 0: not at all.
struct SkyLineMode {
  double period = 0;  ///< pixels of the grid
  double quotient = 0;
};

/// The solution, for the exposures that this rank owns (vectors are [exposure - first][stripe]) and of all.
struct JointStripes {
  int first = 0, end = 0;                   ///< exposures
  std::vector<std::vector<double>> stripe;  ///< mean 0 over those with data; without: that of the amplifier
  std::vector<std::vector<double>>
      constraint;  ///< sum of w g^2 (1 - w / W): curvature of the sum of squares; 0: no data

  /// [stripe]: curvature of the same stripe in all exposures at once, and that with the sky known. Where the first is
  /// (nearly) 0, all exposures see a line of sky with the same stripe, and sky and stripe cannot be told apart.
  /// Of the exposures with the most stripes.
  std::vector<double> common_curvature, common_weight;
  std::vector<int> common_exposures;  ///< [stripe]: exposures that have data there
  std::vector<SkyLineMode> sky_lines;

  double noise = 0;            ///< of a pixel of weight 1
  double prior_amplitude = 0;  ///< used
  double ridge = 0;            ///< curvature that the prior adds to a stripe
  std::int64_t cells = 0, clipped = 0;
  int iterations = 0;  ///< of all solutions
  bool converged = true;
  bool stopped = false;  ///< by should_stop: nothing here is of use

  bool is_common_known(std::size_t stripe_index) const;  ///< common mode held by the data rather than by the prior
};

/// Minimises  sum w (D - S - stripe)^2 + ridge sum (s - mean of the amplifier's s)^2  over the sky S(p), pixel by
/// pixel, and the stripes s, by conjugate gradients (Jacobi preconditioner), without ever forming a matrix. Levels of
/// exposures and amplifiers are free in the fit; then those of the exposures are taken out: the mean of an exposure's
/// stripes is 0. What neither data nor prior determine stays at 0. The same bits for any division of the blocks and any
/// number of threads. Collective.
JointStripes solve_joint_stripes(parallel::Communicator const& communicator, std::span<StripedExposure const> exposures,
                                 StripeBlocks& blocks, JointOptions const& options);

/// Exposures that `rank` owns in the solution: first and end.
std::pair<int, int> owned_exposures(int exposures, int rank, int ranks);

/// Bytes that the solution takes on a rank beside the blocks: exposures that it owns, exposures that reach its blocks,
/// visits of exposures to its blocks.
std::int64_t joint_stripes_bytes(int owned, int reaching, std::int64_t visits, int largest_stripes);

}  // namespace tessera::exchange
