// Pixels of a coronagraph corner that the imager of other exposures saw too.
#pragma once
#include <cstdint>
#include <vector>

#include "tessera/steps/band_task.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::steps {

/// Members of the task, other than `member` itself, whose outline may reach its coronagraph corner, in their order.
/// Empty for exposures without one.
std::vector<int> find_neighbours(StepContext const& context, BandTask const& task, int member);

/// The pixels of the coronagraph box of `member` whose nearest pixel in some neighbour is good (no DO_NOT_USE, no
/// NON_SCIENCE) and not in a coronagraph box: one bit a pixel of the box, packed as FlagCorrection has it. Empty where
/// there is none.
std::vector<std::uint8_t> find_overlap(StepContext const& context, BandTask const& task, int member,
                                       StepCounts& counts);

}  // namespace tessera::steps
