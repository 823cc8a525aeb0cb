// From exposures to the cells of the joint solution (spec 40, section 3 item 3).
#pragma once
#include <functional>
#include <span>
#include <vector>

#include "destripe_task.hpp"
#include "joint_cells.hpp"
#include "tessera/parallel/progress.hpp"

namespace tessera::steps {

/// Stripes of the members [first, end) of a task as the solution counts them. Throws InputError for more than it can
/// count. Independent.
std::vector<exchange::StripedExposure> striped_exposures(StepContext const& context, DestripeTask const& task,
                                                         int first, int end);

/// Bytes that all cells of `blocks` take at most.
std::int64_t joint_cells_bytes(DestripeTask const& task, std::span<std::int64_t const> blocks);
/// Bytes that reading an exposure and laying it on the blocks takes.
std::int64_t joint_exposure_bytes(StepContext const& context, DestripeTask const& task);

/// Runs what is done with a member and deals with what it throws.
using MemberGuard = std::function<void(std::size_t member, std::function<void()> const& work)>;

/// Lays the exposures on `blocks`, of which as many are resident together as `wave_bytes` hold; exposures outermost, so
/// that each is read once a wave. False: a stop request. Independent.
bool build_joint_cells(StepContext& context, DestripeTask const& task, std::span<std::int64_t const> blocks,
                       std::int64_t wave_bytes, MemberGuard const& guard, JointCells& cells,
                       parallel::Progress& progress, StepCounts& counts);

}  // namespace tessera::steps
