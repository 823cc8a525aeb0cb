// The background of a mosaic that lies on many ranks.
#pragma once
#include <optional>

#include "catalogue_image.hpp"
#include "tessera/parallel/communicator.hpp"
#include "tessera/parallel/control.hpp"
#include "tessera/parallel/memory_budget.hpp"

namespace tessera::steps {

/// The mesh of boxes of `box` pixels, rows of boxes divided over the ranks; one box of the whole mosaic where too much
/// of every box is missing. nullopt where no pixel is usable, or, on all ranks alike, after a stop request. Errors are
/// agreed. Collective over `group`.
std::optional<kernels::BackgroundMesh> measure_mesh(parallel::Communicator const& group, CatalogueImage const& image,
                                                    std::int64_t box, parallel::MemoryBudget& budget,
                                                    parallel::ControlChannel& control);

}  // namespace tessera::steps
