// Whether two lists of positions match better than lists that have nothing to do with each other.
#pragma once
#include <span>
#include <string>

#include "tessera/exchange/align_groups.hpp"

namespace tessera::exchange {

/// Pairs that two lists give by chance at one shift.
struct ChanceMatches {
  double expected = 0;  ///< mean over shifts at which nothing can match truly
  double trials = 1;    ///< independent shifts among which the best was looked for
  /// Probability that chance gives `matches` or more at one of the trials; at most 1.
  double probability(int matches) const;
};

/// Measured by matching the lists at eight shifts around `first_shift`, further off than sources are confused; at least
/// what the numbers in the field (`area`, arcsec^2, holding `reference_count` reference positions) give for sources
/// strewn at random.
ChanceMatches measure_chance(std::span<kernels::PlanePosition const> image,
                             std::span<kernels::PlanePosition const> reference,
                             std::array<double, 2> const& first_shift, double area, std::size_t reference_count,
                             StageOptions const& options);

}  // namespace tessera::exchange
