// How a rank's memory is divided while resampling, and what is too little.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "tessera/steps/resample/mosaic_plan.hpp"

namespace tessera::steps {

/// Parts of the budget of one rank for one mosaic.
struct ResampleMemory {
  std::int64_t exposure_bytes = 0;  ///< rows of one exposure, all planes, with the ones read ahead
  std::int64_t rows = 0;            ///< full-width rows that fit in it
  std::int64_t block_bytes = 0;     ///< one resident block with its finished planes and context
  std::int64_t blocks = 0;          ///< resident blocks: the size of a wave
  std::int64_t fixed_bytes = 0;     ///< program, scratch of the threads, strips of the FITS writer
  std::int64_t total() const { return fixed_bytes + exposure_bytes + block_bytes * blocks; }
};

/// Division of `budget` bytes; `resident` is what the program holds before. Throws BudgetError saying the least that
/// works.
ResampleMemory divide_memory(MosaicPlan const& plan, std::vector<store::ExposureRecord> const& records,
                             std::int64_t budget, std::int64_t resident, int threads);

using exchange::BlockWave;

/// Cuts a rank's blocks of a mosaic into waves that fit in `memory`.
std::vector<BlockWave> cut_waves(MosaicPlan const& plan, std::span<std::int64_t const> blocks,
                                 ResampleMemory const& memory);

}  // namespace tessera::steps
