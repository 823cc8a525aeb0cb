// Second phase: medians of the groups' images, block by block. Private to the step.
#pragma once
#include <span>

#include "outlier_memory.hpp"
#include "tessera/exchange/block_journal.hpp"
#include "tessera/io/hdf5_file.hpp"
#include "tessera/parallel/progress.hpp"

namespace tessera::steps {

/// Makes and writes the medians of `blocks` wave by wave, each noted in the journal. False: a stop request came first.
/// Throws InputError when an exposure cannot be read. Independent.
bool make_medians(StepContext& context, OutlierPlan const& plan, OutlierMemory const& memory,
                  std::span<std::int64_t const> blocks, io::Hdf5File& file, exchange::BlockJournal const& journal,
                  parallel::Progress& progress, StepCounts& counts);

}  // namespace tessera::steps
