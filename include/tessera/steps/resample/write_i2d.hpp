// From the HDF5 of a mosaic to its FITS product, written by all ranks that own a part of it.
#pragma once
#include "tessera/model/header.hpp"
#include "tessera/steps/resample/mosaic_plan.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::steps {

/// Header cards, blended metadata, header table and ASDF extension of an i2d (spec 30, 4.10).
struct I2dMetadata {
  model::Header primary, sci;
  std::vector<model::Card> table_columns;   ///< TTYPEn, TFORMn of HDRTAB; empty: no table
  std::int64_t table_row_bytes = 0;
  std::vector<std::byte> table;             ///< rows of HDRTAB, big-endian
  std::vector<std::byte> asdf;              ///< the bytes of the ASDF cell
};

/// Reads the headers of all members (divided over the ranks of `group`) and blends them. Collective over `group`;
/// the result is on all ranks.
I2dMetadata make_i2d_metadata(parallel::Communicator const& group, MosaicPlan const& plan,
                              std::vector<store::ExposureRecord> const& records, store::Ledger const& ledger);

/// Writes <product>_i2d.fits: planes re-read from the mosaic's HDF5 in strips of 256 rows, each strip by one rank. Returns the
/// bytes this rank wrote. Collective over `group`. IoError on all ranks when any fails; no half-written product stays.
std::int64_t write_i2d(parallel::Communicator const& group, MosaicPlan const& plan, I2dMetadata const& metadata);

/// "<folder>/<product>_i2d.fits".
std::filesystem::path i2d_path(MosaicPlan const& plan);

}  // namespace tessera::steps
