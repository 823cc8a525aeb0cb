// The one reader of exposures: rows of any plane with the ledger applied, and the corrected WCS.
#pragma once
#include <memory>
#include <vector>

#include "tessera/io/fits_file.hpp"
#include "tessera/model/pixel_map.hpp"
#include "tessera/sky/wcs.hpp"
#include "tessera/store/exposure_record.hpp"
#include "tessera/store/ledger.hpp"

namespace tessera::store {

/// An exposure opened for reading. Independent of other ranks; one thread.
class ExposureReader {
 public:
  ExposureReader(ExposureRecord const& record, Ledger const& ledger);
  ~ExposureReader();
  ExposureReader(ExposureReader&&) noexcept;

  ExposureRecord const& record() const;
  model::Header const& primary_header() const;
  model::Header const& image_header() const;
  io::FitsFile const& file() const;
  std::vector<model::LedgerEntry> const& entries() const;

  /// Whether the ledger holds this step, with or without an entry for this exposure.
  bool has_seen(std::string_view step) const;

  /// WCS with the ledger's corrections; and as the file has it.
  sky::WcsPointer wcs() const;
  sky::WcsPointer file_wcs() const;

  /// Background that is still in SCI and that whoever compares or adds exposures must take off: that of the ledger's
  /// last SkyCorrection (0 where it was subtracted), else the file's BKGLEVEL where BKGSUB is not true, else 0.
  double sky_level() const;

  /// Rows y0 <= y < y1 of the planes asked for that the file has; others are left empty. Corrections are applied in
  /// ledger order, in double, rounded once. SCI that is exactly 0 in the file is no data (spec 40, P1) and stays 0. A
  /// half of a coronagraph split sees the other half flagged by the RegionFlag entries of lyot_separate; without them a
  /// half is the whole exposure. Plain images get their weight plane as WHT and their mask plane as DQ (DO_NOT_USE).
  void read_rows(std::int64_t y0, std::int64_t y1, model::PlaneSet planes, model::RowBand& band) const;

  /// Bytes read from files so far by this reader.
  std::int64_t bytes_read() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// WCS of a file: gwcs of the ASDF extension, else the FITS WCS of the image header.
sky::WcsPointer read_file_wcs(io::FitsFile const& file, io::Hdu const& image, bool has_gwcs);

/// Applies one correction to a band in place. SCI goes through double and is rounded once at the end by the caller's
/// order: `sci` is the double image of the band. A SkyPlaneCorrection needs `map`, that of the exposure on its grid;
/// pixels without a position on it are left as they are. Exposed for tests.
void apply_correction(model::LedgerEntry const& entry, model::RowBand& band, std::vector<double>& sci,
                      model::PixelMap const* map = nullptr);

}  // namespace tessera::store
