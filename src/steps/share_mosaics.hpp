// Mosaics shared out over the ranks: many mosaics a rank, or many ranks a mosaic.
#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "tessera/parallel/communicator.hpp"
#include "tessera/parallel/pool.hpp"

namespace tessera::steps {

/// The mosaics that this rank works on, one after the other, with the ranks of its group.
struct MosaicShare {
  parallel::Communicator group;
  std::vector<std::size_t> mosaics;  ///< ascending
};

/// As many groups as there are mosaics, or ranks; by cost (any positive unit, the same on all ranks). What a step makes
/// must not depend on it. Collective.
MosaicShare share_mosaics(parallel::Communicator const& world, std::span<double const> costs);

/// Sizes of files as the root sees them, on all ranks; 1 for what is not there. Collective.
std::vector<double> file_costs(parallel::Communicator const& world, std::span<std::filesystem::path const> files);

/// The rows of blocks of an image of ny rows that this rank of the group owns.
parallel::ItemRange own_block_rows(parallel::Communicator const& group, std::int64_t ny);

}  // namespace tessera::steps
