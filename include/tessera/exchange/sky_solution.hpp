// Skies of many exposures from what each one shows by itself and where it overlaps others (spec 30, 2.4).
#pragma once
#include <span>
#include <string_view>
#include <vector>

namespace tessera::exchange {

/// Two items (exposures, or groups of exposures) that see the same part of the sky, and what each one has there.
struct SkyOverlap {
  int first = 0, second = 0;
  double sky_first = 0, sky_second = 0;
  double pixels_first = 0, pixels_second = 0;
};

enum class SkyMethod { Local, Global, Match, GlobalMatch, User };
/// "local", "global", "match", "global+match", "user". Throws ConfigError for anything else.
SkyMethod parse_sky_method(std::string_view name);

/// Components with more items than this are solved by sparse factorisation.
inline constexpr int LargestDenseSystem = 100;

/// Offsets of minimum norm that best explain the differences of the overlaps, each weighted by its mean number of
/// pixels (the weight multiplies the row, so that least squares see its square). NaN for items in no overlap; islands
/// each come with zero mean. Components of up to `largest_dense` items go through the pseudo-inverse (singular values
/// below 1e-12 of the largest are cut off), larger ones through sparse elimination with one item held at zero, refined
/// with the residuals, and moved to zero mean: the same solution.
std::vector<double> solve_sky_match(int items, std::span<SkyOverlap const> overlaps,
                                    int largest_dense = LargestDenseSystem);

/// Sky of every item by the method; NaN: no value. `levels` are the items' own values over their whole area, NaN where
/// there is none. Not for User.
std::vector<double> choose_skies(SkyMethod method, bool match_down, std::span<double const> levels,
                                 std::span<SkyOverlap const> overlaps);

/// Number of the connected set of each item, counted from 0 in order of first items; items in no overlap are alone.
std::vector<int> connect_items(int items, std::span<SkyOverlap const> overlaps);

}  // namespace tessera::exchange
