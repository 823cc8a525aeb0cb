// Stripes between the ranks that own exposures and those that own blocks of sky.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "tessera/exchange/joint_stripes.hpp"

namespace tessera::exchange {

/// One value a stripe of each exposure that a rank owns: [exposure - first][stripe].
using Profiles = std::vector<std::vector<double>>;

/// Sends stripes to the blocks that see them and brings sums back: these are added in the order of the blocks on the
/// sky, whoever has the blocks.
class StripeExchange {
 public:
  /// Looks once through all blocks. Collective.
  StripeExchange(parallel::Communicator const& communicator, std::span<int const> stripes, StripeBlocks& blocks);

  int first() const { return first_; }
  int end() const { return end_; }
  std::span<int const> stripes() const { return stripes_; }
  parallel::Communicator const& communicator() const { return communicator_; }
  Profiles zeros() const;

  /// Makes the profiles known where blocks see their exposures. Collective.
  void spread(Profiles const& owned);
  /// What was spread last, of an exposure that reaches a block of this rank.
  double const* profile(int exposure) const { return near_[static_cast<std::size_t>(exposure)].data(); }

  /// Sums that exposure j of block k of this rank gives, [stripe of the exposure]. Different (k, j) may be set at the
  /// same time.
  void set_sums(std::int64_t k, std::size_t j, double const* sums);
  /// Adds the sums of all blocks for the owners of the exposures. Collective.
  Profiles add_up();

  /// Sum over all exposures, in their order, of one number for each that this rank owns. Collective.
  double add_in_order(std::vector<double> const& owned) const;
  double dot(Profiles const& a, Profiles const& b) const;

 private:
  struct Run {
    int begin = 0, end = 0;  ///< stripes
  };
  /// Which stripes one exposure of one block touches, and where their sums are in a message.
  struct Piece {
    int exposure = 0;
    std::vector<Run> runs;
    std::size_t rank = 0, place = 0;  ///< where to, and from which double on
  };
  static std::vector<Run> touched_stripes(StripeCells const& cells, int stripes);
  void exchange_pieces();

  parallel::Communicator communicator_;
  std::vector<int> stripes_;
  int first_ = 0, end_ = 0;
  std::vector<std::vector<Piece>> pieces_;        ///< [block][exposure of the block]
  std::vector<std::vector<Piece>> incoming_;      ///< [rank]: pieces in the order they come
  std::vector<std::vector<int>> wanted_;          ///< [rank]: exposures of this rank whose profiles it needs
  std::vector<std::vector<int>> needed_;          ///< [rank]: exposures of that rank that reach blocks of this one
  std::vector<std::vector<double>> near_;         ///< [exposure]: profile, where needed
  std::vector<std::vector<std::byte>> outgoing_;  ///< [rank]: sums on their way
};

}  // namespace tessera::exchange
