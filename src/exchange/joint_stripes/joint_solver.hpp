// The least-squares solution for stripes, step by step.
#pragma once
#include <functional>
#include <span>

#include "block_sums.hpp"
#include "stripe_exchange.hpp"

namespace tessera::exchange {

/// State of one solution. All functions are collective.
class JointSolver {
 public:
  JointSolver(parallel::Communicator const& communicator, std::span<StripedExposure const> exposures,
              StripeBlocks& blocks, JointOptions const& options);

  JointStripes solve();

 private:
  /// Adds up what `sums(block, j, sky, out)` gives for every exposure of every block, after averaging `what`.
  using Sums = std::function<void(StripeBlock const&, std::size_t, BlockSky const&, std::span<double>)>;
  Profiles collect(Averaged what, Sums const& sums);

  /// Curvature times `stripes`, without the prior.
  Profiles curvature_times(Profiles const& stripes);
  /// ridge (s - mean of the amplifier's known s), 0 for stripes that are not known.
  Profiles prior_times(Profiles const& stripes) const;

  /// Squares of the alternating sums over the curvature: noise of a pixel of weight 1 as the stripes see it, squared,
  /// with what correlations between pixels do to it.
  double noise_of_stripes();
  /// Square of the prior's amplitude: what stripes scatter more than their noise explains.
  double measure_amplitude(Profiles const& gradient, double noise_square) const;
  void choose_ridge(Profiles const& gradient);
  /// Improves the stripes. `gradient` is that of the data at the stripes. False: stopped.
  bool improve(Profiles gradient, double tolerance);
  void clip();
  void centre();
  void describe();
  void describe_common();
  void describe_sky_lines();
  double middle(MagnitudeCounts& counts) const;

  /// The stripes of amplifier a of the exposure k of this rank.
  std::span<double const> amplifier(Profiles const& profiles, std::size_t k, int a) const;
  StripedExposure const& layout(std::size_t k) const {
    return layouts_[static_cast<std::size_t>(exchange_.first()) + k];
  }

  StripeBlocks& blocks_;
  std::vector<StripedExposure> layouts_;
  JointOptions options_;
  StripeExchange exchange_;
  ProfileOf profile_;
  BlockSky sky_;
  JointStripes result_;
  double reference_ = 0;  ///< size of the gradient at the very beginning
  double pixel_noise_square_ = 0;
};

}  // namespace tessera::exchange
