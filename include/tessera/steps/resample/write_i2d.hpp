// From the HDF5 of a mosaic to its FITS product, written by all ranks that own a part of it.
#pragma once
#include "tessera/model/header.hpp"
#include "tessera/steps/resample/mosaic_plan.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::steps {

/// Header cards, blended metadata, header table and ASDF extension of an i2d (spec 30, 4.10).
struct I2dMetadata {
  model::Header primary, sci;
  std::vector<model::Card> table_columns;  ///< TTYPEn, TFORMn of HDRTAB; empty: no table
  std::int64_t table_row_bytes = 0;
  std::int64_t table_bytes = 0, asdf_bytes = 0;  ///< sizes, known to all ranks
  std::vector<std::byte> table;                  ///< rows of HDRTAB, big-endian; on the root of the group only
  std::vector<std::byte> asdf;                   ///< the bytes of the ASDF cell; on the root only
};

/// Reads the headers of all members (divided over the ranks of `group`) and blends them on its root; the others get the
/// cards and sizes that the layout of the file needs. What the steps of `ledger` did to the members is in it.
/// Collective over `group`.
I2dMetadata make_i2d_metadata(parallel::Communicator const& group, MosaicPlan const& plan,
                              std::vector<store::ExposureRecord> const& records, store::Ledger const& ledger = {});

/// Writes <product>_i2d.fits: planes re-read from the mosaic's HDF5 in strips of 256 rows, each strip by one rank.
/// Returns the bytes this rank wrote. Collective over `group`. IoError on all ranks when any fails; no half-written
/// product stays.
std::int64_t write_i2d(parallel::Communicator const& group, MosaicPlan const& plan, I2dMetadata const& metadata);

/// "<folder>/<product>_i2d.fits".
std::filesystem::path i2d_path(MosaicPlan const& plan);

}  // namespace tessera::steps
