// Rows of a combined background from the same rows of every off.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "row_pool.hpp"
#include "tessera/steps/lv2/off_backgrounds.hpp"

namespace tessera::steps {

/// Planes of a combination in the making. A count of AllMasked: every off with a value there has a source on it.
namespace combined_plane {
inline constexpr int Sci = 0, Err = 1, Dq = 2, Count = 3, Variance = 4;
inline constexpr int Planes = 5;
inline constexpr std::int32_t AllMasked = -1;
}  // namespace combined_plane

/// What is known of the offs of a combination whose sources are masked; empty where they are not.
struct OffMasks {
  std::vector<double> levels;                ///< of each off; NaN: it has no pixels here
  std::vector<std::filesystem::path> masks;  ///< passing files
};

/// Asked between two bands of rows; false: stop.
using GoOn = std::function<bool()>;

/// Fills `rows` [combined_plane]. As many rows at a time as the budget allows: the same values for any. False: stopped.
bool combine_rows(parallel::MemoryBudget& budget, OffBackground const& background, OffMasks const& known,
                  ImageRows& rows, std::int64_t& bytes_read, GoOn const& go_on);

/// Median of the offs less their levels, into plane 0 of `rows`. False: stopped.
bool median_rows(parallel::MemoryBudget& budget, OffBackground const& background, std::vector<double> const& levels,
                 ImageRows& rows, std::int64_t& bytes_read, GoOn const& go_on);

}  // namespace tessera::steps
