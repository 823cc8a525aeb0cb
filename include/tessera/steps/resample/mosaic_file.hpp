// The HDF5 of a mosaic in the making, and the journal of its finished blocks (docs/formats/mosaic.md).
#pragma once
#include <filesystem>
#include <string>

#include "tessera/exchange/block_journal.hpp"
#include "tessera/io/hdf5_file.hpp"
#include "tessera/kernels/drizzle.hpp"
#include "tessera/steps/resample/mosaic_plan.hpp"

namespace tessera::steps {

/// Beside the FITS product under its name: ".h5" once whole, ".h5.part" while in the making.
std::filesystem::path mosaic_path(MosaicPlan const& plan);
std::filesystem::path unfinished_mosaic_path(MosaicPlan const& plan);

/// Whether the unfinished file is there, can be read, and was made for this very plan. One rank.
bool is_mosaic_of(MosaicPlan const& plan);

/// Makes the empty file: all datasets allocated, none filled. One rank.
void create_mosaic_file(MosaicPlan const& plan);

/// Writes one finished block: its planes and its sparse context. Independent.
void write_block(io::Hdf5File& file, MosaicPlan const& plan, std::int64_t block,
                 kernels::DrizzledBlock const& drizzled);

/// Dense context rows of one plane: block row `strip` (256 rows, cut at the top), full width, as CON wants them.
std::vector<std::uint32_t> read_dense_context(io::Hdf5File const& file, MosaicPlan const& plan, std::int64_t strip,
                                              int plane);

/// The journal of the mosaic's finished blocks, beside its product.
class MosaicJournal : public exchange::BlockJournal {
 public:
  MosaicJournal(MosaicPlan const& plan, int world_rank);
};

}  // namespace tessera::steps
