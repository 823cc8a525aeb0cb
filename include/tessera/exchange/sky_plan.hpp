// Which exposures reach which block of a sky grid: the plan of everything that is made by sky.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "tessera/kernels/drizzle.hpp"
#include "tessera/model/sky_grid.hpp"
#include "tessera/parallel/communicator.hpp"
#include "tessera/sky/output_grid.hpp"
#include "tessera/store/exposure_record.hpp"
#include "tessera/store/ledger.hpp"

namespace tessera::exchange {

/// Exposures on the blocks of a grid. "Position" is the place of an exposure in the list of members the plan was made
/// with.
struct SkyPlan {
  model::SkyGrid grid;
  std::vector<model::SkyPolygon> footprints;    ///< of the members, with the ledger's corrections
  std::vector<std::int64_t> order;              ///< block numbers along the Hilbert curve
  std::vector<std::vector<int>> block_members;  ///< [block number]: positions that may reach it, ascending
  std::vector<double> block_cost;               ///< [block number]: expected seconds, up to a factor
};

/// Outline of every member (indices into `records`) on the sky with the ledger's WCS corrections: the record's own
/// where there are none. Collective (members are divided over the ranks).
std::vector<model::SkyPolygon> corrected_footprints(parallel::Communicator const& communicator,
                                                    std::span<int const> members,
                                                    std::vector<store::ExposureRecord> const& records,
                                                    store::Ledger const& ledger);

/// The grid that covers `footprints`, with the pointing and scale of `first` (spec 30, 4.2). Throws InputError.
model::SkyGrid make_sky_grid(std::span<model::SkyPolygon const> footprints, store::ExposureRecord const& first,
                             sky::OutputGridOptions const& options);

/// The plan of `members` on `grid`, drizzled as `drizzle` says.
SkyPlan plan_sky(std::span<int const> members, model::SkyGrid const& grid,
                 std::vector<model::SkyPolygon> const& footprints, std::vector<store::ExposureRecord> const& records,
                 kernels::DrizzleOptions const& drizzle);

/// Positions that may reach any of `blocks`, ascending.
std::vector<int> positions_reaching(SkyPlan const& plan, std::span<std::int64_t const> blocks);

/// What a rank will own: the run of blocks of each plan, along its curve.
struct BlockRun {
  int mosaic = 0;                  ///< which plan
  std::size_t begin = 0, end = 0;  ///< positions in SkyPlan::order
};

/// Divides the blocks of all plans over `ranks` by cost; [rank] -> its runs, ascending in plan.
std::vector<std::vector<BlockRun>> divide_blocks(std::vector<SkyPlan const*> const& plans, int ranks);

/// Consecutive blocks that are resident together.
struct BlockWave {
  std::size_t begin = 0, end = 0;     ///< positions in the list of blocks
  std::vector<std::int64_t> reached;  ///< those that an exposure may reach: only they take memory
};

/// Cuts a rank's blocks into waves of at most `most_blocks` (>= 1) that are reached.
std::vector<BlockWave> cut_waves(SkyPlan const& plan, std::span<std::int64_t const> blocks, std::int64_t most_blocks);

}  // namespace tessera::exchange
