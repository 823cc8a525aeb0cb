// <product>_segm.fits.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "catalogue_image.hpp"
#include "label_numbers.hpp"
#include "label_runs.hpp"
#include "tessera/parallel/communicator.hpp"
#include "tessera/parallel/memory_budget.hpp"

namespace tessera::steps {

/// One image extension SCI of unsigned labels on the mosaic's grid, from the runs that all ranks kept (`chunks` of
/// all). Every rank writes its bands. Returns the bytes this rank wrote. Errors are agreed. Collective over `group`.
std::int64_t write_segmentation_map(parallel::Communicator const& group, CatalogueImage const& image,
                                    std::filesystem::path const& path, std::string const& catalogue,
                                    std::vector<RunsChunk> const& chunks, LabelNumbers const& numbers,
                                    parallel::MemoryBudget& budget);

}  // namespace tessera::steps
