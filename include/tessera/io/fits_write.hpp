// Writing FITS, by one rank or by many at once.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tessera/model/header.hpp"
#include "tessera/parallel/communicator.hpp"

namespace tessera::io {

/// An HDU to write: structural keywords (XTENSION, BITPIX, NAXISn, ...) are made here and come first, in the standard's
/// order, followed by EXTNAME, EXTVER and the cards of `header` (structural ones there are ignored).
struct HduPlan {
  std::string extname;             ///< empty for the primary HDU
  int bitpix = 8;                  ///< 8, 16, 32, -32, -64
  bool unsigned_integers = false;  ///< BITPIX 16 or 32 with BZERO 2^15 or 2^31
  std::vector<std::int64_t> axes;  ///< NAXIS1 first; empty: no data
  bool binary_table = false;  ///< then axes = {bytes a row, rows} and `table_columns` are the TTYPE, TFORM, ... cards
  std::vector<model::Card> table_columns;
  model::Header header;
};

/// The ASDF extension of a JWST product: one row with one cell of so many bytes (spec 25, 1.4).
HduPlan plan_asdf_hdu(std::int64_t bytes);

/// Big-endian bytes of values, as FITS stores them. Unsigned ones are shifted by 2^31.
void to_big_endian(std::span<float const> values, std::byte* out);
void to_big_endian(std::span<std::int32_t const> values, std::byte* out);
void to_big_endian_unsigned(std::span<std::uint32_t const> values, std::byte* out);

/// A FITS file written by the ranks of a communicator together, beside its final name, and renamed at the end.
///
/// Construction, `finish` are collective; `write` is independent. Every rank constructs with the same plan. The file is
/// made at its full size first, so that a full disk is said at once. DATASUM and CHECKSUM of each HDU are combined from
/// the ranks' parts. All errors (IoError) are agreed: every rank throws.
class ParallelFitsFile {
 public:
  ParallelFitsFile(parallel::Communicator const& communicator, std::filesystem::path const& path,
                   std::vector<HduPlan> const& plans);
  ~ParallelFitsFile();  ///< without `finish`: removes the unfinished file
  ParallelFitsFile(ParallelFitsFile const&) = delete;
  ParallelFitsFile& operator=(ParallelFitsFile const&) = delete;

  /// Big-endian bytes at `offset` (a multiple of 4) of the data of HDU `index`. Every byte is written exactly once over
  /// all ranks; bytes never written are zero.
  void write(std::size_t index, std::int64_t offset, std::span<std::byte const> bytes);

  /// Checksums, sync, rename.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A whole file from memory, by this rank alone: plans and the big-endian data bytes of each. Written beside, synced,
/// renamed.
void write_fits(std::filesystem::path const& path, std::vector<HduPlan> const& plans,
                std::vector<std::vector<std::byte>> const& data);

}  // namespace tessera::io
