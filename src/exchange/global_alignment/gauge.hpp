// Without a datum nothing says where an island as a whole is: a weighted mean of its corrections is made zero.
#pragma once
#include <vector>

#include "adjustment.hpp"
#include "pair_graph.hpp"

namespace tessera::exchange {

/// For every island without a datum: its groups are turned and moved together until the weighted means of rolls and
/// shifts (east and north at the middle of the island) are zero, and `covariance` becomes that of what is left. Groups
/// far from the others count little: weight 1 / (1 + (shift / 0.2")^2 + (roll / 0.02 degrees)^2) of the differences
/// from the mean. Returns the weights, 0 where there is no gauge.
std::vector<double> apply_gauge(GroupLists const& lists, Islands const& islands, bool with_rotation,
                                Adjustment& adjustment, std::vector<double>& covariance);

}  // namespace tessera::exchange
